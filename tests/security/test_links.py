"""Nothing is deleted or written over through a symbolic link, wherever one may lie."""

from __future__ import annotations

import os
import shutil
import time
import zipfile
from pathlib import Path

import pytest

from audiotl_cli.dataset.unpack import unpack
from audiotl_cli.errors import DataError
from audiotl_cli.files import is_regular, remove_regular
from audiotl_cli.inference.sorting import place, plan
from audiotl_cli.journal_lines import append_lines
from audiotl_cli.store.pieces import FOLDER, Piece, PieceWriter
from audiotl_cli.store.shard import DamagedShardError
from audiotl_cli.store.store import FeatureStore
from tests.conftest import Run
from tests.store.features import features_of, key_of, on_disk

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs links")


@pytest.fixture
def extracted(project: Path, sounds: Path, run: Run) -> Path:
    """Return the store of two recordings, in a project."""
    (project / "sounds" / "a").mkdir(parents=True)
    for path in sorted(sounds.glob("*/*.wav"))[:2]:
        shutil.copy(path, project / "sounds" / "a")
    assert run("index", "sounds", "--no-audit").code == 0
    return Path(run("extract", "--extractor", "mfcc", "--json").json["store"]).absolute()


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def made(folder: Path, *numbers: int) -> FeatureStore:
    store = FeatureStore.create(folder, "fake", 4, {"of": "links"})
    with store.writer() as writer:
        for number in numbers:
            writer.add(key_of(number), features_of(number))
    return store


def test_prune_deletes_nothing_in_a_store_that_a_link_leads_to(
    extracted: Path, run: Run, tmp_path: Path
) -> None:
    other = on_disk(made(tmp_path / "elsewhere", 1, 2, 3).folder)
    (other / "damaged-shard-0.npz").write_bytes(b"x")
    before = content(other)
    link = extracted.parent / other.name
    link.symlink_to(other)

    for more in ([], ["--dry-run"], ["--store", str(link)]):
        finished = run("store", "prune", *more)
        assert finished.code == 3
        assert f"{link.name} is a symbolic link" in finished.err
        assert str(other) in finished.err
    assert content(other) == before

    assert run("store", "prune", "--store", str(other)).code == 0  # named, it is meant
    assert FeatureStore(other).keys() == set()


def test_extract_writes_nothing_into_a_store_that_a_link_leads_to(
    extracted: Path, run: Run, tmp_path: Path
) -> None:
    other = tmp_path / "elsewhere"
    extracted.rename(other)
    extracted.symlink_to(other)
    assert run("extract", "--extractor", "mfcc", "--json").json["n_skipped"] == 2
    before = content(other)
    recording = next(Path("sounds").rglob("*.wav"))
    recording.write_bytes(recording.read_bytes() + b"\0\0")

    finished = run("extract", "--extractor", "mfcc")

    assert finished.code == 3
    assert "is a symbolic link" in finished.err
    assert content(other) == before
    assert run("extract", "--extractor", "mfcc", "--store", str(other)).code == 0


@pytest.mark.parametrize("command", [["store", "prune"], ["extract", "--extractor", "mfcc"]])
def test_pieces_that_a_link_leads_to_are_nobodys(
    extracted: Path, run: Run, tmp_path: Path, command: list[str]
) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    for name in ("run-away", "shard-0.npz", ".shard-0.npz.1-a.part", "notes.txt"):
        (other / name).write_text("mine")
    (extracted / FOLDER).symlink_to(other)
    before = content(other)

    assert run(*command).code == 0

    assert content(other) == before
    assert (extracted / FOLDER).is_symlink()


def test_only_pieces_are_deleted_from_the_folder_of_pieces(extracted: Path, run: Run) -> None:
    pieces = extracted / FOLDER
    (pieces / "shard-0.npz").mkdir(parents=True)
    (pieces / "run-1").touch()
    (pieces / "notes.txt").write_text("mine")
    (pieces / "shard-0.npz" / "mine.txt").write_text("mine")

    assert run("extract", "--extractor", "mfcc").code == 0

    assert {path.name for path in pieces.rglob("*")} == {"notes.txt", "shard-0.npz", "mine.txt"}


@pytest.mark.parametrize("name", ["damaged-shard-0.npz", ".shard-0.npz.1-a.part", "damaged-x.npz"])
def test_leftovers_that_are_no_files_of_ours_stay(extracted: Path, run: Run, name: str) -> None:
    mine = Path("mine.txt")
    mine.write_text("mine")
    then = time.time() - 7200
    os.utime(mine, (then, then))
    (extracted / name).symlink_to(mine.absolute())
    (extracted / f"damaged-shard-9{name}.npz").mkdir()
    assert run("store", "prune").code == 0
    assert run("extract", "--extractor", "mfcc").code == 0
    assert mine.read_text() == "mine"
    assert (extracted / name).is_symlink()
    assert (extracted / f"damaged-shard-9{name}.npz").is_dir()


@pytest.mark.parametrize("name", [".lock", "store.json"])
def test_files_beside_the_shards_are_not_written_through_links(
    extracted: Path, run: Run, name: str
) -> None:
    mine = Path("mine.txt")
    mine.write_text("mine")
    (extracted / name).unlink(missing_ok=True)
    (extracted / name).symlink_to(mine.absolute())
    recording = next(Path("sounds").rglob("*.wav"))
    recording.write_bytes(recording.read_bytes() + b"\0\0")
    finished = run("extract", "--extractor", "mfcc")
    assert finished.code in (0, 3)
    assert "Traceback" not in finished.err
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("name", ["features/.hashes", "index/.audit"])
def test_memos_are_not_written_through_links(extracted: Path, run: Run, name: str) -> None:
    mine = Path("mine.txt")
    mine.write_text("mine")
    memo = Path("data", name)
    memo.parent.mkdir(exist_ok=True)
    memo.unlink(missing_ok=True)
    memo.symlink_to(mine.absolute())
    assert run("index", "sounds", "--overwrite").code == 0
    assert run("extract", "--extractor", "mfcc").code == 0
    assert mine.read_text() == "mine"
    with pytest.raises(OSError, match="symbolic link"):
        append_lines(memo, [b"x"])


def test_pieces_elsewhere_are_not_taken_in(tmp_path: Path) -> None:
    store = made(tmp_path / "store")
    (tmp_path / "mine").mkdir()
    pieces = PieceWriter(tmp_path / "mine")
    pieces.add(key_of(1), features_of(1))
    pieces.close()
    ((piece, keys),) = pieces.pieces
    for full in (True, False):
        with store.writer() as writer, pytest.raises(DamagedShardError, match="among the pieces"):
            writer.take(Piece(piece.path, piece.n_clips, full), keys)
        assert piece.path.exists()


def test_archives_are_not_unpacked_through_links(tmp_path: Path) -> None:
    archive, folder, mine = tmp_path / "a.zip", tmp_path / "folder", tmp_path / "mine"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.txt", "theirs")
        file.writestr("sub/b.txt", "theirs")
    folder.mkdir()
    mine.mkdir()
    (mine / "b.txt").write_text("mine")
    (folder / "a.txt").symlink_to(mine / "b.txt")
    with pytest.raises(DataError, match="symbolic link"):
        unpack(archive, folder)
    (folder / "a.txt").unlink()
    (folder / "sub").symlink_to(mine)
    with pytest.raises(DataError, match="symbolic link"):
        unpack(archive, folder)
    assert content(mine) == {str(mine / "b.txt"): b"mine"}


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a"), ("x" * 300,), ("a/" * 3000 + "b",)])
def test_archives_whose_names_cannot_be_files_are_refused(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name in names:
            file.writestr(name, "x")
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(archive, tmp_path / "folder")


def test_sorting_writes_through_no_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording, folder, mine = tmp_path / "a.wav", tmp_path / "label", tmp_path / "mine.txt"
    recording.write_bytes(b"sound")
    mine.write_text("mine")
    folder.mkdir()
    (folder / f".audiotl-{os.getpid()}.part").symlink_to(mine)
    (folder / "a.wav").symlink_to(mine)
    target = plan(recording, folder)
    place(recording, target, "copy")
    assert (target.name, target.read_bytes()) == ("a-2.wav", b"sound")
    assert mine.read_text() == "mine"


def test_only_regular_files_are_deleted(tmp_path: Path) -> None:
    file, link, folder = tmp_path / "file", tmp_path / "link", tmp_path / "folder"
    file.touch()
    folder.mkdir()
    link.symlink_to(file)
    assert [is_regular(path) for path in (file, link, folder, tmp_path / "no")] == [
        True, False, False, False,
    ]  # fmt: skip
    assert not remove_regular(link)
    assert not remove_regular(folder)
    assert remove_regular(file)
    assert not remove_regular(file)
