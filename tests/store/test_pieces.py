from __future__ import annotations

import itertools
import random
from contextlib import suppress
from pathlib import Path

import pytest

import audiotl_cli.store.shard as shard_module
import audiotl_cli.store.writer as writer_module
from audiotl_cli.store.pieces import FOLDER, LeftPieces, Piece, PieceWriter
from audiotl_cli.store.shard import DamagedShardError
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.store.tidy import tidy
from tests.store.features import features_of, key_of, on_disk, same

N = 40


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_module, "SHARD_CLIPS", 8)
    monkeypatch.setattr(writer_module, "HOLD_S", 1e9)


def made(root: Path) -> FeatureStore:
    return FeatureStore.create(root, "fake", 4, {"of": "pieces"})


def files_of(store: FeatureStore) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes() for path in on_disk(store.folder).iterdir() if path.is_file()
    }


def by_itself(root: Path, numbers: list[int]) -> dict[str, bytes]:
    store = made(root)
    with store.writer() as writer:
        for number in numbers:
            writer.add(key_of(number), features_of(number))
    return files_of(store)


def piece_of(store: FeatureStore, numbers: list[int]) -> list[tuple[Piece, list[str]]]:
    (store.folder / FOLDER).mkdir(exist_ok=True)
    pieces = PieceWriter(on_disk(store.folder) / FOLDER)
    for number in numbers:
        pieces.add(key_of(number), features_of(number))
    pieces.close()
    return pieces.pieces


@pytest.mark.parametrize("cuts", [[8, 16, 24, 32], [3, 7, 20, 33], [1, 2, 39], []])
def test_pieces_become_the_shards_that_clips_by_themselves_would(
    tmp_path: Path, cuts: list[int]
) -> None:
    store = made(tmp_path / "pieces")
    bounds = list(itertools.pairwise([0, *cuts, N]))
    with store.writer() as writer:
        for span in bounds:
            for piece, keys in piece_of(store, list(range(*span))):
                writer.take(piece, keys)
        writer.close()
        LeftPieces(store.folder, ()).remove()
    assert files_of(store) == by_itself(tmp_path / "whole", list(range(N)))
    assert not (store.folder / FOLDER).exists()


def test_a_piece_that_is_a_shard_is_moved_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = made(tmp_path / "pieces")
    pieces = piece_of(store, list(range(16)))
    with store.writer() as writer, monkeypatch.context() as patch:
        patch.setattr(writer_module, "read_shard", None)
        for piece, keys in pieces:
            writer.take(piece, keys)
        assert len(store) == 16
    assert files_of(store) == by_itself(tmp_path / "whole", list(range(16)))
    assert not list((on_disk(store.folder) / FOLDER).iterdir())


@pytest.mark.parametrize("seed", range(6))
def test_a_run_that_died_with_pieces_in_any_order_is_gone_on_with(
    tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    numbers = list(range(N))
    store = made(tmp_path / "died")
    tasks = [numbers[first : first + 5] for first in range(0, N, 5)]
    n_taken = rng.randint(0, 4)
    done = rng.sample(tasks[n_taken:], rng.randint(0, len(tasks) - n_taken))
    with suppress(ZeroDivisionError), store.writer() as writer:
        for task in tasks[:n_taken]:
            for piece, keys in piece_of(store, task):
                writer.take(piece, keys)
        for task in done:
            piece_of(store, task)
        raise ZeroDivisionError
    assert len(list((on_disk(store.folder) / FOLDER).iterdir())) >= len(done)

    again = made(tmp_path / "died")
    with again.writer() as writer:
        missing = [key_of(n) for n in numbers if key_of(n) not in again]
        left = LeftPieces(again.folder, missing)
        assert {key_of(n) for task in done for n in task} <= left.of.keys()
        for n in numbers:
            if key_of(n) in left.of:
                assert same(left.read(key_of(n)), features_of(n))
            if key_of(n) in missing:
                writer.add(key_of(n), features_of(n))
        writer.close()
        left.remove()
    assert files_of(again) == by_itself(tmp_path / "whole", numbers)


def test_a_damaged_piece_is_said_and_made_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = made(tmp_path)
    ((piece, keys),) = piece_of(store, [1, 2, 3])
    whole = piece.path.read_bytes()
    piece.path.write_bytes(whole[:50])
    assert LeftPieces(store.folder, keys).of == {}
    assert "extracted again" in caplog.text
    assert not piece.path.exists()

    at = whole.index(b"frames.npy") + 300
    piece.path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    with store.writer() as writer, pytest.raises(DamagedShardError):
        writer.take(piece, keys)
    assert not piece.path.exists()


def test_taking_over_stops_the_workers_of_the_run_before(tmp_path: Path) -> None:
    store = made(tmp_path)
    (store.folder / FOLDER).mkdir()
    (on_disk(store.folder) / FOLDER / "run-abc").touch()
    LeftPieces(store.folder, ())
    assert not list((on_disk(store.folder) / FOLDER).iterdir())


def test_pieces_that_nobody_misses_go_when_the_store_is_tidied(tmp_path: Path) -> None:
    store = made(tmp_path)
    piece_of(store, [1, 2, 3])
    with store.writer():
        tidy(made(tmp_path))  # somebody is at work: they are his
        assert (store.folder / FOLDER).exists()
    tidy(made(tmp_path))
    assert not (store.folder / FOLDER).exists()
