from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import audiotl_cli.store.shard as shard_module
import audiotl_cli.store.writer as writer_module
from audiotl_cli.errors import DataError
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.description import fingerprint
from audiotl_cli.store.shard import Features, read_keys, read_shard
from audiotl_cli.store.store import FeatureStore, list_stores
from audiotl_cli.store.writer import StoreWriter
from tests.store.features import features_of, key_of, on_disk, same
from tests.store.full_disk import fill_disk

pytestmark = pytest.mark.usefixtures("written_at_once")

MADE_FROM = {"extractor": "fake", "hop": 1, "details": {"a": [1, 2]}}
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return FeatureStore.create(tmp_path, "fake", 4, MADE_FROM)


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_module, "SHARD_CLIPS", 8)


def add(store: FeatureStore, *numbers: int) -> None:
    with store.writer() as writer:
        for number in numbers:
            writer.add(key_of(number), features_of(number))


def add_and_end(store: FeatureStore, error: BaseException, *numbers: int) -> None:
    """Add clips and leave the writer with an error."""
    with store.writer() as writer:
        for number in numbers:
            writer.add(key_of(number), features_of(number))
        raise error


def files_of(store: FeatureStore) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.shards()}


def sizes_of(store: FeatureStore) -> list[int]:
    return sorted(len(read_keys(path)) for path in store.shards())


def assert_holds(folder: AnyPath, *numbers: int) -> None:
    """Check with fresh eyes that the store holds these clips, each once and right."""
    store = FeatureStore(folder)
    assert store.keys() == {key_of(number) for number in numbers}
    assert sum(sizes_of(store)) == len(numbers)
    found = store.read(store.keys())
    assert all(same(found[key_of(number)], features_of(number)) for number in numbers)


class DiedError(Exception):
    """Stands for the death of the process."""


# --- identity ------------------------------------------------------------------------


def test_fingerprint_ignores_the_order_of_keys_and_nothing_else() -> None:
    made_from: dict[str, Any] = {"a": 1, "b": {"c": "é", "d": None}}
    assert fingerprint(made_from) == fingerprint({"b": {"d": None, "c": "é"}, "a": 1})
    others: list[dict[str, Any]] = [
        {"a": 2},
        {"a": 1.5},
        {"a": "1"},
        {"b": {"c": "e", "d": None}},
        {"e": 0},
    ]
    assert len({fingerprint(made_from), *(fingerprint(made_from | o) for o in others)}) == 6
    assert fingerprint({"hop": 1}) == "a18c8cadf5fb"  # sha256 of {"hop":1}


def test_folder_and_description(store: FeatureStore, tmp_path: Path) -> None:
    assert store.folder == tmp_path / f"fake-{fingerprint(MADE_FROM)}"
    about = json.loads((store.folder / "store.json").read_text())
    assert about["extractor"] == "fake"
    assert about["fingerprint"] == fingerprint(MADE_FROM)
    assert about["dim"] == 4
    assert about["made_from"] == MADE_FROM
    assert (len(store), store.keys(), store.shards()) == (0, set(), [])


def test_same_make_opens_the_same_store_and_another_make_another(tmp_path: Path) -> None:
    first = FeatureStore.create(tmp_path, "fake", 4, MADE_FROM)
    add(first, 1)
    again = FeatureStore.create(tmp_path, "fake", 4, MADE_FROM)
    other = FeatureStore.create(tmp_path, "fake", 4, MADE_FROM | {"hop": 2})
    assert again.keys() == {key_of(1)}
    assert other.keys() == set()
    assert other.folder != first.folder


def test_stores_are_listed_by_last_use(tmp_path: Path) -> None:
    stores = [FeatureStore.create(tmp_path, name, 4, {"name": name}) for name in "abc"]
    for store, then in zip(stores, (300, 100, 200), strict=True):
        os.utime(on_disk(store.folder / "store.json"), (then, then))
    (tmp_path / "no-store").mkdir()
    assert [folder.name[0] for folder in list_stores(tmp_path)] == ["b", "c", "a"]


def test_folder_without_a_store(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is not a feature store .*make one with: audiotl extract"):
        FeatureStore(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "{}", '{"format": 1}', "\0\xff"])
def test_damaged_description(tmp_path: Path, content: str) -> None:
    (tmp_path / "store.json").write_text(content, encoding="latin-1")
    with pytest.raises(DataError, match=r"store\.json is damaged"):
        FeatureStore(tmp_path)


def test_description_of_another_format(store: FeatureStore) -> None:
    path = on_disk(store.folder / "store.json")
    path.write_text(path.read_text().replace('"format": 1', '"format": 9'))
    with pytest.raises(DataError, match=r"store\.json: format 9, expected 1"):
        FeatureStore(store.folder)


# --- adding and reading --------------------------------------------------------------


def test_clips_are_there_as_soon_as_they_were_written(store: FeatureStore) -> None:
    with store.writer() as writer:
        for number in range(3):
            assert key_of(number) not in store
            writer.add(key_of(number), features_of(number))
            assert key_of(number) in store
            assert_holds(store.folder, *range(number + 1))
    assert_holds(store.folder, 0, 1, 2)
    assert len(store) == 3


def add_and_die(store: FeatureStore, *numbers: int) -> None:
    with store.writer() as writer:
        for number in numbers:
            writer.add(key_of(number), features_of(number))
        raise DiedError


def test_clips_that_come_together_are_written_together(
    store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "HOLD_S", 1e9)
    with pytest.raises(DiedError):
        add_and_die(store, *range(5))
    assert 1 <= len(store.shards()) <= 2
    assert_holds(store.folder, *range(5))


def test_read_gives_the_clips_asked_for(store: FeatureStore) -> None:
    add(store, 1, 2)
    add(store, 3)
    found = store.read([key_of(3), key_of(1)])
    assert found.keys() == {key_of(1), key_of(3)}
    assert same(found[key_of(3)], features_of(3))


def test_reading_what_is_not_there_says_how_much(store: FeatureStore) -> None:
    add(store, 1)
    with pytest.raises(DataError, match=r"2 of 3 clips are not in .*; run: audiotl extract"):
        store.read([key_of(1), key_of(2), key_of(3)])


@pytest.mark.usefixtures("small_shards")
def test_small_shards_are_merged_into_full_ones(store: FeatureStore) -> None:
    add(store, *range(20))
    assert sizes_of(store) == [4, 8, 8]
    add(store, 20, 21)
    assert sizes_of(store) == [6, 8, 8]
    add(store, *range(22, 30))
    assert sizes_of(store) == [6, 8, 8, 8]
    assert_holds(store.folder, *range(30))


def test_shards_are_closed_by_bytes_too(
    store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shard_module, "SHARD_BYTES", 4000)
    big = Features(np.ones((100, 4), np.float32), np.zeros(100))  # 1600 bytes of frames
    with store.writer() as writer:
        for number in range(7):
            writer.add(key_of(number), big)
    assert sizes_of(store) == [1, 3, 3]


def test_same_clips_give_the_same_files_in_any_order(tmp_path: Path) -> None:
    a = FeatureStore.create(tmp_path / "a", "fake", 4, MADE_FROM)
    b = FeatureStore.create(tmp_path / "b", "fake", 4, MADE_FROM)
    add(a, 1, 2, 3)
    add(b, 3, 1)
    add(b, 2)
    assert files_of(a) == files_of(b)
    assert len(files_of(a)) == 1


@pytest.mark.usefixtures("small_shards")
def test_reader_survives_a_merge_beside_it(store: FeatureStore) -> None:
    add(store, 1, 2)
    reader = FeatureStore(store.folder)
    assert len(reader) == 2
    add(store, 3)
    assert reader.read([key_of(1)]).keys() == {key_of(1)}
    assert len(reader) == 3


def test_verify_counts_clips_and_names_damage(store: FeatureStore) -> None:
    add(store, 1, 2)
    steps: list[tuple[int, int]] = []
    assert store.verify(lambda done, total: steps.append((done, total))) == (2, [])
    assert steps == [(1, 1)]
    (shard,) = store.shards()
    damage_frames(shard)
    n_clips, damaged = store.verify(lambda done, total: None)
    assert n_clips == 0
    assert [path for path, _ in damaged] == [shard]
    assert shard.exists()


# --- runs that end early -------------------------------------------------------------


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize("n_before", [1, 5, 7, 8, 9, 16, 19])
def test_resumed_run_leaves_the_same_files(tmp_path: Path, n_before: int) -> None:
    whole = FeatureStore.create(tmp_path / "whole", "fake", 4, MADE_FROM)
    add(whole, *range(20))
    resumed = FeatureStore.create(tmp_path / "resumed", "fake", 4, MADE_FROM)
    with pytest.raises(DiedError):
        add_and_end(resumed, DiedError(), *range(n_before))
    assert_holds(resumed.folder, *range(n_before))
    add(resumed, *range(n_before, 20))
    assert files_of(resumed) == files_of(whole)


@pytest.mark.usefixtures("small_shards")
def test_run_that_died_just_before_a_merge_leaves_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = FeatureStore.create(tmp_path / "whole", "fake", 4, MADE_FROM)
    add(whole, *range(12))
    resumed = FeatureStore.create(tmp_path / "resumed", "fake", 4, MADE_FROM)

    def die(writer: StoreWriter) -> None:
        raise DiedError

    with monkeypatch.context() as patch:
        patch.setattr(StoreWriter, "close", die)
        with pytest.raises(DiedError):
            add(resumed, *range(8))
    assert sum(sizes_of(resumed)) == 8
    assert len(sizes_of(resumed)) > 1
    add(resumed, *range(8, 12))
    assert files_of(resumed) == files_of(whole)


def die_between_merge_and_delete(store: FeatureStore, *numbers: int) -> None:
    """Leave the store as a run does that is killed after writing the merged shard."""
    copies: dict[Path, bytes] = {}
    with store.writer() as writer:
        for number in numbers:
            writer.add(key_of(number), features_of(number))
            copies |= {on_disk(path): path.read_bytes() for path in store.shards()}
    for path, content in copies.items():
        path.write_bytes(content)


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize("n_clips", [5, 8])
@pytest.mark.parametrize("n_more", [0, 1, 9])
def test_run_killed_between_merge_and_delete(tmp_path: Path, n_clips: int, n_more: int) -> None:
    whole = FeatureStore.create(tmp_path / "whole", "fake", 4, MADE_FROM)
    add(whole, *range(n_clips + n_more))
    store = FeatureStore.create(tmp_path / "killed", "fake", 4, MADE_FROM)
    die_between_merge_and_delete(store, *range(n_clips))
    assert len(store.shards()) > 1
    fresh = FeatureStore(store.folder)
    assert fresh.keys() == {key_of(number) for number in range(n_clips)}
    found = fresh.read(fresh.keys())
    assert all(same(found[key_of(number)], features_of(number)) for number in range(n_clips))
    add(store, *range(n_clips, n_clips + n_more))
    assert_holds(store.folder, *range(n_clips + n_more))
    assert files_of(store) == files_of(whole)


def test_damaged_merged_shard_leaves_its_clips_to_the_small_ones(
    store: FeatureStore, caplog: pytest.LogCaptureFixture
) -> None:
    die_between_merge_and_delete(store, *range(5))
    merged = max(store.shards(), key=lambda path: path.stat().st_size)
    damage_frames(merged)
    add(store, 9)
    assert_holds(store.folder, 0, 1, 2, 3, 4, 9)
    assert f"moved to damaged-{merged.name}" in caplog.text


@pytest.mark.usefixtures("small_shards")
def test_interrupted_run_is_merged(store: FeatureStore) -> None:
    with pytest.raises(KeyboardInterrupt):
        add_and_end(store, KeyboardInterrupt(), 0, 1, 2)
    assert sizes_of(store) == [3]
    assert_holds(store.folder, 0, 1, 2)


def test_orphan_parts_are_swept(store: FeatureStore) -> None:
    (store.folder / ".shard-00.npz.999.part").write_bytes(b"half")
    add(store, 1)
    assert (
        sorted(path.name for path in on_disk(store.folder).iterdir() if "part" in path.name) == []
    )
    assert_holds(store.folder, 1)


# --- damage --------------------------------------------------------------------------


def damage_frames(shard: AnyPath) -> None:
    """Flip a bit in the last frame, where only its check sum tells."""
    content = bytearray(shard.read_bytes())
    first = content.index(b"PK\x01\x02")  # the directory follows the last member, the frames
    content[first - 3] ^= 0x10
    shard.write_bytes(content)


def test_shard_with_damaged_keys_is_set_aside_and_said(
    store: FeatureStore, caplog: pytest.LogCaptureFixture
) -> None:
    add(store, 1, 2)
    (shard,) = store.shards()
    shard.write_bytes(shard.read_bytes()[:-50])
    fresh = FeatureStore(store.folder)
    assert fresh.keys() == set()
    assert (store.folder / f"damaged-{shard.name}").exists()
    assert not shard.exists()
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert shard.name in record.getMessage()
    assert "its clips will be extracted again" in record.getMessage()
    add(fresh, 1, 2)
    assert_holds(store.folder, 1, 2)


def test_shard_with_damaged_frames_is_set_aside_when_read(store: FeatureStore) -> None:
    add(store, 1, 2)
    (shard,) = store.shards()
    damage_frames(shard)
    fresh = FeatureStore(store.folder)
    assert len(fresh) == 2
    with pytest.raises(DataError, match=r"moved to damaged-shard-.*run audiotl extract"):
        fresh.read([key_of(1)])
    with pytest.raises(DataError, match="1 of 1 clips are not in"):
        fresh.read([key_of(1)])
    add(fresh, 1, 2)
    assert_holds(store.folder, 1, 2)


def test_damage_is_found_before_a_shard_is_merged(
    store: FeatureStore, caplog: pytest.LogCaptureFixture
) -> None:
    add(store, 1, 2)
    (shard,) = store.shards()
    damage_frames(shard)
    with store.writer() as writer:
        assert key_of(1) not in store
        writer.add(key_of(3), features_of(3))
    assert_holds(store.folder, 3)
    assert "its clips will be extracted again" in caplog.text


# --- a full disk ---------------------------------------------------------------------


def add_until_full(
    store: FeatureStore, patch: pytest.MonkeyPatch, before: list[int], after: list[int]
) -> None:
    with store.writer() as writer:
        for number in before:
            writer.add(key_of(number), features_of(number))
        fill_disk(patch)
        for number in after:
            writer.add(key_of(number), features_of(number))


def test_full_disk_ends_the_run_and_leaves_only_whole_files(
    store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        add_until_full(store, patch, [1], [2])
    assert_holds(store.folder, 1)
    assert not list(store.folder.glob(".*.part"))
    add(store, 2)
    assert_holds(store.folder, 1, 2)


def test_full_disk_at_the_final_merge_loses_nothing(
    store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        add_until_full(store, patch, [1, 2], [])
    assert_holds(store.folder, 1, 2)
    add(store)
    assert sizes_of(store) == [2]


# --- other processes -----------------------------------------------------------------

CHILD = """
import sys, threading
import audiotl_cli.store.shard, audiotl_cli.store.writer
from tests.store.features import features_of, key_of


root, first, last, holds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), "hold" in sys.argv
audiotl_cli.store.shard.SHARD_CLIPS, audiotl_cli.store.writer.HOLD_S = 8, 0.0
from pathlib import Path
from audiotl_cli.store.store import FeatureStore
store = FeatureStore.create(Path(root), "fake", 4, {"of": "children"})
with store.writer() as writer:
    for number in range(first, last):
        if key_of(number) not in store:
            writer.add(key_of(number), features_of(number))
            print(number, flush=True)
            if holds:
                threading.Event().wait()
"""


def start(root: Path, first: int, last: int, *holds: str) -> subprocess.Popen[str]:
    arguments = [str(root), str(first), str(last), *holds]
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )


def output(process: subprocess.Popen[str], timeout_s: float = 30) -> list[int]:
    text, _ = process.communicate(timeout=timeout_s)
    return [int(line) for line in text.splitlines()]


def first_line(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def remaining_lines(process: subprocess.Popen[str]) -> list[int]:
    with process:
        assert process.stdout is not None
        return [int(line) for line in process.stdout]


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_killed_at_random_moments(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    reported: set[int] = set()
    for _ in range(5):
        process = start(tmp_path, 0, 10**6)
        for _ in range(rng.integers(1, 30)):
            reported.add(first_line(process))
        process.kill()
        reported |= {*remaining_lines(process)}
        assert process.returncode == -signal.SIGKILL
        (folder,) = list_stores(tmp_path)
        store = FeatureStore(folder)
        for shard in store.shards():
            assert list(read_shard(shard))
        assert {key_of(number) for number in reported} <= store.keys()
    assert not list(folder.glob("damaged-*"))
    numbers = range(max(reported) + 2)
    with store.writer() as writer:
        for number in numbers:
            if key_of(number) not in store:
                writer.add(key_of(number), features_of(number))
    assert not list(folder.glob(".*.part"))
    assert_holds(folder, *numbers)


def test_two_runs_on_one_store_add_each_clip_once(tmp_path: Path) -> None:
    processes = [start(tmp_path, 0, 30), start(tmp_path, 10, 40)]
    added = [output(process) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(added[0] + added[1]) == list(range(40))
    (folder,) = list_stores(tmp_path)
    assert_holds(folder, *range(40))


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_waiting_run_goes_on_when_the_other_is_killed(tmp_path: Path) -> None:
    holder = start(tmp_path, 0, 3, "hold")
    assert first_line(holder) == 0  # it has the lock now
    waiting = start(tmp_path, 0, 3)
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(0.5)
    holder.kill()
    killed_at = time.monotonic()
    assert output(waiting) == [1, 2]
    assert time.monotonic() - killed_at < 30
    output(holder)
    (folder,) = list_stores(tmp_path)
    assert_holds(folder, 0, 1, 2)
