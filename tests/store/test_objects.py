"""Stores on object storage, here in memory: nobody can be kept out."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from audiotl_cli.errors import DataError
from audiotl_cli.files import cache_folder
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.storage.remote import RemotePath
from audiotl_cli.store.prune import prune
from audiotl_cli.store.shard import read_keys, write_shard
from audiotl_cli.store.store import FeatureStore, list_stores
from audiotl_cli.store.tidy import tidy
from audiotl_cli.store.writer import StoreWriter
from tests.store.features import clips_of, features_of, key_of, same

NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("audiotl_cli.store.shard.SHARD_CLIPS", 8)
    monkeypatch.setattr("audiotl_cli.store.objects.SHARD_CLIPS", 8)
    monkeypatch.setattr("audiotl_cli.store.objects.HOLD_S", 0.0)
    monkeypatch.setattr("audiotl_cli.store.writer.HOLD_S", 0.0)
    monkeypatch.setenv("AUDIOTL_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def root(memory_storage: None) -> RemotePath:
    return RemotePath(f"memory:///store-{next(NUMBERS)}")


def opened(root: AnyPath) -> FeatureStore:
    return FeatureStore.create(root, "made", 4, {"imported": "made"})


def add(writer: StoreWriter, numbers: Iterable[int]) -> None:
    for number in numbers:
        if key_of(number) not in writer.store:
            writer.add(key_of(number), features_of(number))


def kill(writer: StoreWriter) -> None:
    """End a writer as a killed run ends: nothing more is written or deleted."""
    writer.release()


def files(store: FeatureStore) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in FeatureStore(store.folder).shards()}


def holds(store: FeatureStore, numbers: Iterable[int]) -> bool:
    fresh = FeatureStore(store.folder)
    found = fresh.read({key_of(number) for number in numbers})
    return fresh.keys() == found.keys() and all(
        same(found[key_of(number)], features_of(number)) for number in numbers
    )


def n_copies(store: FeatureStore) -> int:
    """Return how many clips are stored, each as often as it is."""
    return sum(len(read_keys(shard)) for shard in store.shards())


def test_the_same_files_as_on_a_disk(root: RemotePath, tmp_path: Path) -> None:
    stores = [opened(root), opened(tmp_path)]
    for store in stores:
        with store.writer() as writer:
            add(writer, range(20))
    remote, local = stores
    assert files(remote) == files(local)
    description = [store.folder / "store.json" for store in stores]
    assert description[0].read_bytes() == description[1].read_bytes()
    assert len(remote.shards()) == 3
    assert holds(remote, range(20))
    assert list_stores(root) == [remote.folder]


def test_a_killed_run_goes_on_to_the_same_files(root: RemotePath, tmp_path: Path) -> None:
    local = opened(tmp_path)
    with local.writer() as writer:
        add(writer, range(20))
    for n_done in (1, 7, 8, 13, 20):
        store = opened(root / str(n_done))
        killed = store.writer().__enter__()
        add(killed, range(n_done))
        kill(killed)
        assert holds(store, range(n_done))
        with opened(root / str(n_done)).writer() as writer:
            add(writer, range(20))
        assert files(store) == files(local), n_done


@pytest.mark.parametrize("second_from", [0, 3, 11])
def test_two_runs_on_the_same_clips(root: RemotePath, tmp_path: Path, second_from: int) -> None:
    local = opened(tmp_path)
    with local.writer() as writer:
        add(writer, range(20))
    with opened(root).writer() as first:
        add(first, range(second_from))
        with opened(root).writer() as second:
            for number in range(second_from, 20):
                add(first, [number])
                add(second, [number])
    assert files(opened(root)) == files(local)


def test_two_runs_on_some_clips_in_common(root: RemotePath) -> None:
    with opened(root).writer() as first:
        add(first, range(4))
        with opened(root).writer() as second:
            add(second, range(14, 4, -1))
            add(first, range(12))
    store = opened(root)
    assert holds(store, range(15))
    assert n_copies(store) == 15


def test_whatever_runs_do_nothing_is_lost(root: RemotePath) -> None:
    for seed in range(6):
        rng = random.Random(seed)
        place = root / str(seed)
        done: set[int] = set()
        running: list[StoreWriter] = []
        for _ in range(40):
            draw = rng.random()
            if draw < 0.15 and len(running) < 3:
                running.append(opened(place).writer().__enter__())
            elif draw < 0.2 and running:
                running.pop(rng.randrange(len(running))).__exit__(None, None, None)
            elif draw < 0.25 and running:
                kill(running.pop(rng.randrange(len(running))))
            elif running:
                number = rng.randrange(30)
                add(rng.choice(running), [number])
                done.add(number)
            assert holds(opened(place), done), seed
        for writer in running:
            writer.__exit__(None, None, None)
        tidy(opened(place))
        assert holds(opened(place), done), seed
        assert n_copies(opened(place)) == len(done), seed


def test_a_listing_that_is_late_costs_work_and_no_clip(
    root: RemotePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    glob = RemotePath.glob

    def late(self: RemotePath, pattern: str) -> Iterable[RemotePath]:
        return iter(()) if pattern.startswith("shard") else glob(self, pattern)

    store = opened(root)
    monkeypatch.setattr(RemotePath, "glob", late)
    with store.writer() as writer:
        add(writer, range(5))
    assert store.rescan().shard_of.keys() == {key_of(number) for number in range(5)}
    with opened(root).writer() as writer:  # sees nothing, does the work again
        add(writer, range(12))
    monkeypatch.undo()
    assert holds(opened(root), range(12))


def test_a_listing_of_what_is_gone_is_no_error(
    root: RemotePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(root)
    ghost = write_shard(store.folder, clips_of(1, 2))
    store.scanned()
    write_shard(store.folder, clips_of(1, 2, 3))
    ghost.unlink()
    glob = RemotePath.glob
    monkeypatch.setattr(
        RemotePath, "glob", lambda self, pattern: iter([*glob(self, pattern), ghost])
    )
    assert same(store.read([key_of(2)])[key_of(2)], features_of(2))
    assert opened(root).keys() == {key_of(number) for number in (1, 2, 3)}


def test_damage_is_moved_aside_and_made_again(root: RemotePath) -> None:
    store = opened(root)
    with store.writer() as writer:
        add(writer, range(10))
    victim = store.scanned().shard_of[key_of(0)]
    content = bytearray(victim.read_bytes())
    content[content.index(features_of(0).frames.tobytes())] ^= 4
    assert isinstance(victim, RemotePath)
    victim.write_bytes(bytes(content))
    n_clips, damaged = opened(root).verify(lambda done, total: None)
    assert [path for path, _ in damaged] == [victim]
    assert n_clips < 10
    with pytest.raises(DataError, match="moved to damaged-shard"):
        opened(root).read(read_keys(victim))
    assert (store.folder / f"damaged-{victim.name}").read_bytes() == bytes(content)
    with opened(root).writer() as writer:
        add(writer, range(10))
    assert holds(store, range(10))
    assert n_copies(opened(root)) == 10


def test_shards_are_fetched_once(root: RemotePath, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(root).writer() as writer:
        add(writer, range(8))
    fetched: list[str] = []
    read_bytes = RemotePath.read_bytes

    def counted(self: RemotePath) -> bytes:
        fetched.append(self.name)
        return read_bytes(self)

    monkeypatch.setattr(RemotePath, "read_bytes", counted)
    for _ in range(3):
        assert holds(opened(root), range(8))
    assert sum(name.startswith("shard") for name in fetched) == 1


@pytest.mark.parametrize("damage", [b"", b"x", None])
def test_a_damaged_copy_in_the_cache_is_fetched_anew(
    root: RemotePath, tmp_path: Path, damage: bytes | None
) -> None:
    with opened(root).writer() as writer:
        add(writer, range(8))
    assert holds(opened(root), range(8))
    (copy,) = (tmp_path / "cache" / "shards").iterdir()
    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(bytes(content) if damage is None else damage)
    assert holds(opened(root), range(8))
    assert len(opened(root).shards()) == 1


def test_the_cache_has_a_limit(root: RemotePath, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audiotl_cli.storage.cache.MAX_BYTES", 10_000)
    with opened(root).writer() as writer:
        add(writer, range(32))
    assert holds(opened(root), range(32))
    copies = list((cache_folder() / "shards").iterdir())
    assert 0 < sum(copy.stat().st_size for copy in copies) <= 10_000


def test_without_a_cache_folder_it_is_only_slower(
    root: RemotePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("AUDIOTL_CACHE", str(tmp_path / "file"))
    with opened(root).writer() as writer:
        add(writer, range(8))
    assert holds(opened(root), range(8))


def test_pruning(root: RemotePath) -> None:
    store = opened(root)
    with store.writer() as writer:
        add(writer, range(20))
    needed = {key_of(number) for number in range(0, 20, 3)}
    assert prune(store, needed, dry_run=True).n_clips == 20 - len(needed)
    assert prune(store, needed, dry_run=False).n_kept == len(needed)
    assert holds(store, range(0, 20, 3))
    assert n_copies(opened(root)) == len(needed)
