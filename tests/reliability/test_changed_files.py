"""A recording that changes between being hashed and being decoded leaves nothing under its key."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiotl_cli.audio.decode import read
from audiotl_cli.audio.measure import measure
from audiotl_cli.audio.types import AudioSource
from audiotl_cli.errors import AudioError, WeightsError
from audiotl_cli.extractors.mfcc import MfccExtractor
from audiotl_cli.extractors.registry import load_extractor
from audiotl_cli.extractors.weights import locate
from audiotl_cli.storage.contents import (
    ChangedFileError,
    Content,
    FileState,
    read_content,
    unchanged,
)
from audiotl_cli.store.memo import HashMemo
from audiotl_cli.store.store import FeatureStore
from tests.conftest import Run

Change = Callable[[Path, Path], None]


def age(path: Path, seconds: float = 100.0) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def replaced(path: Path, other: Path) -> None:
    shutil.copy(other, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def rewritten(path: Path, other: Path) -> None:
    path.write_bytes(other.read_bytes())


def rewritten_and_dated_back(path: Path, other: Path) -> None:
    state = path.stat()
    path.write_bytes(other.read_bytes())
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def emptied(path: Path, other: Path) -> None:
    os.truncate(path, 0)


CHANGES = [replaced, rewritten, rewritten_and_dated_back, emptied]


@pytest.fixture
def recordings(project: Path, sounds: Path) -> list[Path]:
    """Return three recordings of the same size in the folder ``sounds``, not in the project."""
    (project / "sounds").mkdir()
    for number, path in enumerate(sorted(sounds.glob("*/*-00.wav"))):
        shutil.copy(path, project / "sounds" / f"{number}.wav")
    other = project / "other.wav"
    shutil.copy(sorted(sounds.glob("*/*-01.wav"))[-1], other)
    return [*sorted((project / "sounds").iterdir()), other]


def before_decoding(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Do something when all files are hashed and none is decoded."""
    from audiotl_cli.audio import isolated

    really = isolated.Decoders.__enter__

    def enter(self: Any) -> Any:
        act()
        return really(self)

    monkeypatch.setattr(isolated.Decoders, "__enter__", enter)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("fresh", [True, False])
def test_features_of_another_recording_are_not_kept(
    recordings: list[Path],
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    change: Change,
    fresh: bool,
) -> None:
    first, *_, other = recordings
    if not fresh:
        for path in recordings:
            age(path)
    assert run("index", "sounds", "--no-audit").code == 0
    original = HashMemo(Path("none")).sha256(first)
    with monkeypatch.context() as patch:
        before_decoding(patch, lambda: change(first, other))
        finished = run("extract", "--extractor", "mfcc", "--json")
    assert finished.code == 1
    ((failure,), value) = (finished.json["failures"], finished.json)
    assert failure["path"].endswith("0.wav")
    assert failure["code"] == "changed"
    assert "the file changed while it was read" in failure["message"]
    assert (value["n_added"], value["n_failed"]) == (2, 1)
    store = FeatureStore(value["store"])
    assert original not in store

    if change is not emptied:
        again = run("extract", "--extractor", "mfcc", "--json")
        assert (again.code, again.json["n_added"]) == (0, 1)
        key = HashMemo(Path("none")).sha256(first)
        assert key == HashMemo(Path("none")).sha256(other)
        expected = embed(other)
        found = FeatureStore(value["store"]).read([key])[key].frames
        assert found.tobytes() == expected


def embed(path: Path) -> bytes:
    samples, rate = read(AudioSource(path))
    return MfccExtractor().embed(samples, rate).frames.tobytes()


@pytest.mark.parametrize("change", CHANGES)
def test_the_audit_remembers_nothing_of_another_recording(
    recordings: list[Path], run: Run, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    first, *_, other = recordings
    original = first.read_bytes()
    really = HashMemo.content

    def content(self: HashMemo, path: Any) -> Content:
        found = really(self, path)
        if str(path).endswith("0.wav"):
            change(first, other)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(HashMemo, "content", content)
        run("index", "sounds")
    first.write_bytes(original)
    assert run("index", "sounds", "--overwrite", "--json").json["problems"] == {}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("open_first", [True, False])
def test_decoding_another_content_is_an_error(
    recordings: list[Path], change: Change, open_first: bool
) -> None:
    from audiotl_cli.audio.decode import read_blocks

    first, *_, other = recordings
    age(first)
    content = HashMemo(Path("none")).content(first)
    source = AudioSource(first, content=content)
    blocks = read_blocks(source)
    if open_first:
        next(blocks)
    change(first, other)
    with pytest.raises(AudioError, match="the file changed while it was read") as caught:
        list(blocks)
    assert caught.value.code == "changed"


def test_a_file_that_was_touched_moved_or_linked_is_the_same(
    recordings: list[Path], tmp_path: Path
) -> None:
    first = recordings[0]
    content, _ = read_content(first)
    source = AudioSource(first, content=content)
    expected = read(source)[0].tobytes()
    age(first)
    os.link(first, tmp_path / "link.wav")
    assert read(source)[0].tobytes() == expected
    shutil.copy(first, tmp_path / "copy.wav")
    (tmp_path / "copy.wav").replace(first)  # other numbers of everything, and the same bytes
    assert read(source)[0].tobytes() == expected
    assert measure(source).n_samples > 0


def test_a_file_that_did_not_change_is_not_read_twice(recordings: list[Path]) -> None:
    first = recordings[0]
    age(first)
    known, state = read_content(first)
    assert known.state is None  # its status changed a moment ago
    content = Content("0" * 64, FileState.of(state))  # the hash would not fit if it were computed
    assert len(read(AudioSource(first, content=content))[0])


def test_a_recording_that_is_being_written_has_no_hash(
    recordings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import hashlib

    really = hashlib.file_digest

    def digest(file: Any, kind: str) -> Any:
        with recordings[0].open("ab") as writing:
            writing.write(b"more")
        return really(file, kind)

    monkeypatch.setattr(hashlib, "file_digest", digest)
    with pytest.raises(AudioError, match="changed while it was read"):
        HashMemo(Path("none")).sha256(recordings[0])


def test_an_object_that_is_replaced_is_not_decoded_as_another(
    recordings: list[Path], run: Run, monkeypatch: pytest.MonkeyPatch, memory_storage: None
) -> None:
    pytest.importorskip("fsspec")
    import fsspec

    bucket = fsspec.filesystem("memory")
    for path in recordings[:3]:
        bucket.pipe_file(f"/changed/{path.name}", path.read_bytes())
    assert run("index", "memory://changed", "--no-audit").code == 0
    original = HashMemo(Path("none")).sha256(recordings[0])
    with monkeypatch.context() as patch:
        other = recordings[-1].read_bytes()
        before_decoding(patch, lambda: bucket.pipe_file("/changed/0.wav", other))
        finished = run("extract", "--extractor", "mfcc", "--json")
    assert finished.code == 1
    assert [failure["code"] for failure in finished.json["failures"]] == ["changed"]
    assert original not in FeatureStore(finished.json["store"])
    assert run("extract", "--extractor", "mfcc", "--json").json["n_added"] == 1
    bucket.rm("/changed", recursive=True)


def test_what_others_read_is_compared_before_and_after(recordings: list[Path]) -> None:
    first, *_, other = recordings
    content, _ = read_content(first)
    with unchanged(first, content):
        pass
    for change in CHANGES:
        content, _ = read_content(first)
        with pytest.raises(ChangedFileError), unchanged(first, content):
            change(first, other if change is not emptied else first)
        shutil.copy(recordings[1], first)
    with pytest.raises(ChangedFileError), unchanged(other, content):
        pass


def test_weights_that_are_replaced_after_they_were_hashed_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from audiotl_cli.extractors.vggish import VggishExtractor, read_pca

    path, other = tmp_path / "pca.npz", tmp_path / "other.npz"
    for number, at in enumerate((path, other)):
        vectors = np.full((128, 128), number, np.float32)
        np.savez(at, pca_eigen_vectors=vectors, pca_means=np.zeros((128, 1), np.float32))
    assert read_pca(path)[0][0, 0] == 0
    found = locate(VggishExtractor.weights_files("postprocess")[-1], path)  # type: ignore[arg-type]
    age(path)
    assert found.read(read_pca)[0][0, 0] == 0
    replaced(path, other)
    with pytest.raises(WeightsError, match="the file changed while it was read"):
        found.read(read_pca)


def test_a_model_file_that_is_replaced_after_it_was_hashed_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "own.onnx"
    path.write_bytes(b"one")
    extractor = load_extractor(f"onnx:{path}", hop_s=1.0)
    extractor.weights_id()
    path.write_bytes(b"two")
    with pytest.raises(WeightsError, match="the file changed while it was read"):
        extractor.prepare()
