"""Indexes of recordings on object storage, here in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiotl_cli.dataset.finder import Finder
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.dataset.layouts.folder import clips_from_folder
from audiotl_cli.dataset.layouts.table import read_table
from audiotl_cli.dataset.options import IndexOptions
from audiotl_cli.errors import DataError
from audiotl_cli.left_out import LeftOutCounter
from audiotl_cli.storage.remote import RemotePath

ROOT = RemotePath("memory:///a data set")


@pytest.fixture(autouse=True)
def recordings(memory_storage: None) -> None:
    for name in ("dog/1.wav", "cat/1.wav", "cat/2 [x].wav", "notes.txt"):
        (ROOT / name).write_bytes(b"")


def test_labels_are_folders() -> None:
    assert clips_from_folder(ROOT, labelled=True) == [
        Clip("cat/1.wav", "cat"),
        Clip("cat/2 [x].wav", "cat"),
        Clip("dog/1.wav", "dog"),
    ]
    for place, words in ((ROOT / "bird", "no such folder"), (ROOT / "notes.txt", "no such")):
        with pytest.raises(DataError, match=words):
            clips_from_folder(place, labelled=True)


def test_tables_name_objects_and_urls(tmp_path: Path) -> None:
    rows = ["path,label", "dog/1.wav,a", "2 [x].wav,b", "1.wav,c", "s3://else/where.wav,d"]
    (tmp_path / "table.csv").write_text("\n".join(rows))
    expected = ["dog/1.wav", "cat/2 [x].wav", "1.wav", "s3://else/where.wav"]
    (ROOT / "table.csv").write_bytes((tmp_path / "table.csv").read_bytes())
    for table in (tmp_path / "table.csv", ROOT / "table.csv"):
        assert [
            clip.path
            for clip in read_table(table, Finder(ROOT), IndexOptions(), LeftOutCounter()).clips
        ] == expected


def test_an_index_keeps_the_address(tmp_path: Path) -> None:
    clips = [Clip("cat/2 [x].wav", start_s=1.0), Clip("s3://else/where.wav")]
    written = Index(clips, ROOT).write(tmp_path / "index.csv")
    read = Index.read(tmp_path / "index.csv")
    assert read == written
    assert (tmp_path / "index.csv").read_text().endswith(f",{ROOT}\n")
    assert read.source(clips[0]).path == ROOT / "cat/2 [x].wav"
    assert read.source(clips[1]).path == RemotePath("s3://else/where.wav")


def test_a_file_url_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text(f"# audio_root: file://{tmp_path}/x\npath\na.wav\n")
    with pytest.raises(DataError, match=r"index.csv, line 1: .*file:// is not supported; .* s3://"):
        Index.read(tmp_path / "index.csv")
