"""What ``python -m benchmarks --only`` measures."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest

from benchmarks import __main__ as command
from benchmarks.cases import NETWORKS


@pytest.mark.parametrize(
    ("words", "sections", "networks"),
    [
        ([], command.SECTIONS, NETWORKS),
        (["--only", "growth,startup"], ["startup", "growth"], NETWORKS),
        (["--only", "yamnet"], ["networks"], ["yamnet"]),
        (["--only", "packages,birdnet,yamnet"], ["packages"], ["yamnet", "birdnet"]),
    ],
)
def test_names_choose_sections_and_networks(
    words: list[str],
    sections: Sequence[str],
    networks: Sequence[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", *words])

    options = command.parse()

    assert (options.sections, options.networks) == (sections, networks)


def test_another_name_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--only", "yamnt"])

    with pytest.raises(SystemExit):
        command.parse()

    assert "'yamnt' is neither a section nor a network; choose from" in capsys.readouterr().err
