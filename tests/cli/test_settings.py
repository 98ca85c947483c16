from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Run


@pytest.fixture
def indexed(project: Path, sounds: Path, run: Run) -> Path:
    assert run("index", sounds, "--no-audit").code == 0
    return project


def test_a_settings_file_gives_defaults(indexed: Path, run: Run) -> None:
    (indexed / "audiotl.toml").write_text(
        '[extract]\nextractor = ["mfcc"]\nhop-s = 0.5\nlimit = 2\n'
    )

    finished = run("extract", "--json")

    assert finished.json["n_added"] == 2
    assert Path(finished.json["store"]).name.startswith("mfcc-")


def test_the_environment_outranks_the_file_and_flags_outrank_both(
    indexed: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (indexed / "audiotl.toml").write_text('[extract]\nextractor = ["mfcc"]\nlimit = 2\n')
    monkeypatch.setenv("AUDIOTL_EXTRACT_LIMIT", "3")
    assert run("extract", "--json").json["n_added"] == 3

    assert run("extract", "--json", "--limit", 4).json["n_added"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[extrakt]\nlimit = 1\n", "[extrakt] is not a command"),
        ("[extract]\nlimitt = 1\n", "extract has no option 'limitt'"),
        ("[extract\n", "audiotl.toml cannot be read"),
    ],
)
def test_a_wrong_settings_file_is_explained(
    project: Path, run: Run, text: str, message: str
) -> None:
    (project / "audiotl.toml").write_text(text)

    finished = run("extract")

    assert finished.code == 2
    assert message in finished.err
