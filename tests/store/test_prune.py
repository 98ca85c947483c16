from __future__ import annotations

import os
from pathlib import Path

import pytest

import audiotl_cli.store.shard as shard_module
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.prune import Pruned, prune
from audiotl_cli.store.shard import read_keys, read_shard
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.store.writer import BusyStoreError, StoreWriter
from tests.store.features import features_of, key_of, on_disk, same


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FeatureStore:
    """Return a store of 20 clips in shards of 8, 8 and 4."""
    monkeypatch.setattr(shard_module, "SHARD_CLIPS", 8)
    store = FeatureStore.create(tmp_path, "fake", 4, {"of": "prune"})
    with store.writer() as writer:
        for number in range(20):
            writer.add(key_of(number), features_of(number))
    return store


def keys_of(*numbers: int) -> set[str]:
    return {key_of(number) for number in numbers}


def n_bytes_of(*numbers: int) -> int:
    clips = [features_of(number) for number in numbers]
    return sum(clip.frames.nbytes + clip.times.nbytes for clip in clips)


def assert_holds(folder: AnyPath, *numbers: int) -> None:
    fresh = FeatureStore(folder)
    assert fresh.keys() == keys_of(*numbers)
    assert sum(len(read_keys(shard)) for shard in fresh.shards()) == len(numbers)
    found = fresh.read(fresh.keys())
    assert all(same(found[key_of(number)], features_of(number)) for number in numbers)


def contents(folder: AnyPath) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes() for path in on_disk(folder).iterdir() if path.name != ".lock"
    }


@pytest.mark.parametrize(
    "kept", [(), (0,), (3, 9, 17), range(8), range(2, 19), range(1, 20), range(16, 20), range(20)]
)
def test_what_is_needed_stays_and_the_rest_goes(store: FeatureStore, kept: range) -> None:
    gone = set(range(20)) - set(kept)
    pruned = prune(store, keys_of(*kept), dry_run=False)
    assert pruned == Pruned(len(gone), len(kept), n_bytes_of(*gone), [])
    assert store.keys() == keys_of(*kept)
    assert_holds(store.folder, *kept)
    assert prune(store, keys_of(*kept), dry_run=False).n_clips == 0


def test_a_dry_run_says_the_same_and_changes_nothing(store: FeatureStore) -> None:
    (store.folder / "damaged-shard-0.npz").write_bytes(b"damaged")
    before = contents(store.folder)
    said = prune(store, keys_of(*range(5)), dry_run=True)
    assert contents(store.folder) == before
    assert said == prune(store, keys_of(*range(5)), dry_run=False)
    assert said.n_bytes == n_bytes_of(*range(5, 20)) + 7


def test_shards_that_are_needed_whole_are_not_touched(store: FeatureStore) -> None:
    whole, cut, _ = sorted(store.shards(), key=lambda path: -len(read_keys(path)))
    needed = {*read_keys(whole), *read_keys(cut)[1:]}
    before = whole.read_bytes()
    prune(store, needed, dry_run=False)
    assert whole.read_bytes() == before
    assert not cut.exists()


def test_leftovers_go(store: FeatureStore) -> None:
    damaged = store.folder / "damaged-shard-0.npz"
    orphan, fresh = store.folder / ".store.json.7.part", store.folder / ".store.json.8.part"
    for path in (damaged, orphan, fresh):
        path.write_bytes(b"x")
    os.utime(on_disk(orphan), (1e9, 1e9))
    pruned = prune(store, keys_of(*range(20)), dry_run=False)
    assert pruned.leftovers == sorted([damaged, orphan])
    assert pruned.n_bytes == 2
    assert [damaged.exists(), orphan.exists(), fresh.exists()] == [False, False, True]


def test_a_store_another_run_adds_to_is_not_touched(store: FeatureStore) -> None:
    other = FeatureStore(store.folder)
    with other.writer():
        before = contents(store.folder)
        with pytest.raises(BusyStoreError, match="another run is adding to"):
            prune(store, set(), dry_run=False)
        assert contents(store.folder) == before
        assert prune(store, set(), dry_run=True).n_clips == 20


def test_a_damaged_shard_is_moved_aside_and_the_others_are_pruned(
    store: FeatureStore, caplog: pytest.LogCaptureFixture
) -> None:
    shard = max(store.shards(), key=lambda path: len(read_keys(path)))
    lost = set(read_keys(shard))
    content = bytearray(shard.read_bytes())
    content[content.index(b"PK\x01\x02") - 3] ^= 1
    shard.write_bytes(content)
    needed = keys_of(*range(19))
    prune(store, needed, dry_run=False)
    assert store.keys() == needed - lost
    assert f"moved to damaged-{shard.name}" in caplog.text


@pytest.mark.parametrize("n_writes", [0, 1])
def test_a_kill_on_the_way_loses_nothing_that_is_needed(
    store: FeatureStore, monkeypatch: pytest.MonkeyPatch, n_writes: int
) -> None:
    really_merge = StoreWriter.close
    n_merged = 0

    def merge_or_die(writer: StoreWriter) -> None:
        nonlocal n_merged
        if n_merged == n_writes:
            raise OSError("killed")
        n_merged += 1
        really_merge(writer)

    needed = keys_of(*range(2, 19))
    with monkeypatch.context() as patch:
        patch.setattr(StoreWriter, "close", merge_or_die)
        with pytest.raises(OSError, match="killed"):
            prune(store, needed, dry_run=False)
    assert needed <= FeatureStore(store.folder).keys()
    again = FeatureStore(store.folder)
    prune(again, needed, dry_run=False)
    assert_holds(store.folder, *range(2, 19))
    assert all(list(read_shard(shard)) for shard in again.shards())
