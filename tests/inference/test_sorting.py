from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiotl_cli.inference.sorting import folder_names, place, plan


@given(st.lists(st.text(), unique=True))
def test_folders_are_single_parts_and_different(labels: list[str]) -> None:
    names = folder_names(labels)

    assert list(names) == labels
    assert len({name.casefold() for name in names.values()}) == len(labels)
    for name in names.values():
        assert name
        assert len(os.fsencode(name)) < 255
        assert not set(name) & set('/\\:*?"<>|\0')
        assert not name.startswith(".")
        assert not name.endswith((".", " "))
        assert Path("there", name).parent == Path("there")


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("dog", "dog"),
        ("Passer domesticus", "Passer domesticus"),
        ("../x", "_._x"),
        ("a/b", "a_b"),
        ("..", "_"),
        ("CON", "CON_"),
        ("nul.wav", "nul_.wav"),
        ("", "_"),
        ("=1+1", "=1+1"),
    ],
)
def test_a_label_becomes_a_folder(label: str, name: str) -> None:
    assert folder_names([label]) == {label: name}


def test_labels_that_look_alike_get_folders_of_their_own() -> None:
    assert folder_names(["a/b", "a:b", "A_B"]) == {"a/b": "a_b", "a:b": "a_b_2", "A_B": "A_B_3"}


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "a.wav"
    path.parent.mkdir()
    path.write_bytes(b"new")
    os.utime(path, (1e9, 1e9))
    return path


@pytest.mark.parametrize("how", ["copy", "move", "link"])
def test_nothing_is_written_over(recording: Path, tmp_path: Path, how: str) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "a.wav").write_bytes(b"old")
    (folder / "a-2.wav").symlink_to(tmp_path / "gone")
    target = plan(recording, folder)

    place(recording, target, how)  # type: ignore[arg-type]

    assert target == folder / "a-3.wav"
    assert (folder / "a.wav").read_bytes() == b"old"
    assert recording.exists() == (how != "move")
    assert target.read_bytes() == b"new"
    assert target.is_symlink() == (how == "link")
    assert target.stat().st_mtime == 1e9
    assert sorted(path.name for path in folder.iterdir()) == ["a-2.wav", "a-3.wav", "a.wav"]


@pytest.mark.parametrize("how", ["copy", "move", "link"])
def test_what_lies_there_already_stays(recording: Path, how: str) -> None:
    assert plan(recording, recording.parent) == recording
    place(recording, recording, how)  # type: ignore[arg-type]
    assert recording.read_bytes() == b"new"


def test_another_file_system_is_copied_to(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def on_one_disk(self: Path, target: Path) -> Path:
        if self.parent != target.parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", on_one_disk)

    target = tmp_path / "out" / "a.wav"
    place(recording, target, "move")

    assert not recording.exists()
    assert target.read_bytes() == b"new"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.wav"]


def test_a_full_disk_leaves_the_recording(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> None:
        target.write_bytes(b"n")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copy2", full)

    with pytest.raises(OSError, match="No space"):
        place(recording, tmp_path / "out" / "a.wav", "copy")

    assert recording.read_bytes() == b"new"
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("how", ["copy", "move", "link"])
def test_what_came_to_the_place_meanwhile_is_not_written_over(
    recording: Path, tmp_path: Path, how: str
) -> None:
    target = plan(recording, tmp_path / "out")
    target.parent.mkdir()
    target.write_bytes(b"meanwhile")

    with pytest.raises(FileExistsError):
        place(recording, target, how)  # type: ignore[arg-type]

    assert target.read_bytes() == b"meanwhile"
    assert recording.read_bytes() == b"new"
