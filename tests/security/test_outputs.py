"""Names from strangers become files of this machine only if they are fit for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiotl_cli.cli.predicted_files import choose_targets
from audiotl_cli.inference.formats.raven import RavenWriter
from audiotl_cli.storage.remote import RemotePath


@pytest.mark.parametrize("name", ["CON", "nul.wav", "a:b.wav", "a\\..\\b.wav", ".hidden", "a\x1b"])
def test_an_object_is_written_about_under_a_safe_name(tmp_path: Path, name: str) -> None:
    recording = RemotePath(f"s3://bucket/{name}")
    (target,) = choose_targets(RavenWriter, tmp_path, [recording]).values()
    assert target.parent == tmp_path
    assert target.name.isprintable()
    assert not set(target.name) & set('/\\:*?"<>|')
    assert target.name.partition(".")[0].lower() not in ("", "con", "nul")


def test_what_is_written_beside_a_recording_has_a_name_that_fits(tmp_path: Path) -> None:
    recording = tmp_path / ("n" * 251 + ".wav")
    recording.touch()
    (target,) = choose_targets(RavenWriter, None, [recording]).values()
    target.touch()
    assert target.parent == tmp_path
    assert target.name.endswith(".selections.txt")
