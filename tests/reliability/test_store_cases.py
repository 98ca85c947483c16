"""What may happen to a feature store, through the command line; see `cases`."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from audiotl_cli.store.shard import DamagedShardError, Features, read_shard
from audiotl_cli.store.store import FeatureStore, list_stores
from tests.conftest import REPOSITORY, Run
from tests.store.features import features_of, key_of, on_disk, same
from tests.store.full_disk import fill_disk
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("written_at_once")

N_CLIPS = 9
N_KILLS = 20
N_DAMAGES = 200


@pytest.fixture
def indexed(project: Path, sounds: Path, run: Run) -> Path:
    """Index three recordings a label: every test here embeds them several times."""
    for path in sounds.glob("*/*-0[0-2].wav"):
        (project / "sounds" / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, project / "sounds" / path.parent.name)
    assert run("index", "sounds").code == 0
    return project


def n_shards_in(root: str) -> int:
    return len(list(Path(root).glob("*/shard-*.npz")))


def shards_in(root: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(root).glob("*/shard-*.npz")}


# --- kills ---------------------------------------------------------------------------

SERVER = """
import os, sys, time
import numpy, soundfile, filelock
from audiotl_cli.cli.main import main
from audiotl_cli.extractors.mfcc import MfccExtractor
import audiotl_cli.workflows.extract
forward = MfccExtractor.forward
MfccExtractor.batch_size = 1
MfccExtractor.forward = lambda self, p: (time.sleep(0.01), forward(self, p))[1]
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        os.close(0)
        os.open(os.devnull, os.O_RDONLY)
        main(["extract", "--extractor", "mfcc", "--store", line.strip(), "--workers", "1"])
    print(child, flush=True)
    os.waitpid(child, 0)
    print("ended", flush=True)
"""
"""Starts real extractions, one a line, without importing everything anew each time."""


@contextmanager
def extractions() -> Iterator[subprocess.Popen[str]]:
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )
    with server:
        yield server


def start(server: subprocess.Popen[str], store: str) -> int:
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(f"{store}\n")
    server.stdin.flush()
    while not (line := server.stdout.readline().strip()).isdecimal():
        assert server.poll() is None
    return int(line)


def wait_for_shards(process: int, root: str, n: int) -> None:
    """Wait until a store has a number of shards, or the process has ended and merged them."""
    running = Path(f"/proc/{process}")
    wait_until(lambda: n_shards_in(root) >= n or not running.exists())


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs fork, SIGKILL and /proc")
def test_case_09_10_twenty_kills_lose_nothing_and_leave_the_same_files(
    indexed: Path, run: Run
) -> None:
    assert run("extract", "--extractor", "mfcc", "--store", "whole").code == 0
    rng = random.Random(5)
    n_round, kept = 0, set[str]()
    with extractions() as server:
        assert server.stdout is not None
        for _ in range(N_KILLS):
            root = f"killed-{n_round}"
            process = start(server, root)
            wait_for_shards(process, root, n_shards_in(root) + rng.randint(0, 3))
            time.sleep(rng.uniform(0, 0.02))  # at any moment, also within a write
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            while server.stdout.readline().strip() != "ended":
                assert server.poll() is None
            assert all(list(read_shard(shard)) for shard in Path(root).glob("*/shard-*.npz"))
            held = set[str]().union(*(FeatureStore(at).keys() for at in list_stores(Path(root))))
            assert kept <= held
            kept = held
            if len(kept) == N_CLIPS:
                n_round, kept = n_round + 1, set()
    for root in sorted(path.name for path in Path().glob("killed-*")):
        value = run("extract", "--extractor", "mfcc", "--store", root, "--json").json
        assert value["n_added"] + value["n_skipped"] == N_CLIPS
        assert shards_in(root) == shards_in("whole")
        assert not list(Path(root).rglob("*.part"))


def test_case_15_two_extractions_on_one_store_do_each_clip_once(indexed: Path, run: Run) -> None:
    command = [sys.executable, "-m", "audiotl_cli", "extract", "--extractor", "mfcc", "--json"]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(2)
    ]
    values = [json.loads(process.communicate(timeout=120)[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum(value["n_added"] for value in values) == N_CLIPS
    assert [value["n_added"] + value["n_skipped"] for value in values] == [N_CLIPS, N_CLIPS]
    assert len(shards_in("data/features")) == 1


# --- a full disk, a folder only for reading ------------------------------------------


@pytest.mark.parametrize("n_files", [0, 4, N_CLIPS + 1])
def test_case_11_a_full_disk_is_said_and_the_run_resumes(
    indexed: Path, run: Run, monkeypatch: pytest.MonkeyPatch, n_files: int
) -> None:
    with monkeypatch.context() as patch:
        fill_disk(patch, n_files)
        finished = run("extract", "--extractor", "mfcc")
    assert finished.code == 3
    assert "No space left on device" in finished.err
    assert "data/features" in finished.err
    assert "run the same command again" in finished.err
    assert "Traceback" not in finished.err
    assert not list(Path("data/features").rglob("*.part"))
    for shard in Path("data/features").glob("*/shard-*.npz"):
        assert list(read_shard(shard))
    value = run("extract", "--extractor", "mfcc", "--json").json
    assert value["n_skipped"] == min(N_CLIPS, max(0, n_files - 1))  # the first is store.json
    run("extract", "--extractor", "mfcc", "--store", "whole")
    assert shards_in("data/features") == shards_in("whole")


def test_a_folder_only_for_reading_is_enough_where_nothing_is_missing(
    indexed: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("extract", "--extractor", "mfcc").code == 0
    features = Path("data/features").resolve()
    before = {path: path.read_bytes() for path in features.rglob("*") if path.is_file()}
    forbid_writing(monkeypatch, features)

    finished = run("extract", "--extractor", "mfcc", "--json")

    assert finished.code == 0, finished.err
    assert finished.json["n_skipped"] == N_CLIPS
    assert run("train").code == 0
    assert run("evaluate").code == 0
    assert run("store", "info").code == 0
    assert run("store", "verify").code == 0
    assert {path: path.read_bytes() for path in features.rglob("*") if path.is_file()} == before
    missing = run("extract", "--extractor", "mfcc", "--hop-s", "0.25")
    assert missing.code == 3
    assert "Read-only file system" in missing.err


def forbid_writing(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make a folder one for reading, for root as well."""

    def guard(owner: Any, name: str, writes: Any) -> None:
        really = getattr(owner, name)

        def guarded(path: Any, *args: Any, **kwargs: Any) -> Any:
            at = Path(os.fsdecode(path)).absolute() if isinstance(path, str | Path) else Path()
            if at.is_relative_to(folder) and writes(*args):
                raise OSError(errno.EROFS, "Read-only file system", str(path))
            return really(path, *args, **kwargs)

        patch.setattr(owner, name, guarded)

    guard(Path, "open", lambda mode="r", *rest: mode[0] in "wax")
    guard(os, "open", lambda flags, *rest: flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    for name in ("mkdir", "replace", "rename", "unlink", "utime", "remove", "rmdir"):
        guard(os, name, lambda *args: True)


# --- damage --------------------------------------------------------------------------


def damage(content: bytes, rng: random.Random) -> bytes:
    """Truncate, or flip bits: anywhere, in an array's header, or in the directory."""
    kind = rng.choice(["cut", "flip", "header", "directory", "burst"])
    damaged = bytearray(content)
    if kind == "cut":
        return content[: rng.randrange(len(content))]
    if kind == "burst":
        first = rng.randrange(len(content))
        damaged[first : first + 64] = rng.randbytes(len(damaged[first : first + 64]))
        return bytes(damaged)
    magic, length = {
        "flip": (b"", len(content)),
        "header": (b"\x93NUMPY", 128),
        "directory": (b"PK\x01\x02", len(content)),
    }[kind]
    first = content.index(magic) if kind == "directory" else rng.choice(_places(content, magic))
    at = min(first + rng.randrange(length), len(content) - 1)
    damaged[at] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def _places(content: bytes, magic: bytes) -> list[int]:
    if not magic:
        return [0]
    return [at for at in range(len(content)) if content.startswith(magic, at)]


def is_as_written(shard: Path, clips: dict[str, Features]) -> bool:
    try:
        found = dict(read_shard(shard))
    except DamagedShardError:
        return False
    assert found.keys() == clips.keys()
    assert all(same(found[key], clips[key]) for key in clips)
    return True


def test_case_12_damaged_shards_are_found_named_and_made_again(tmp_path: Path) -> None:
    rng = random.Random(12)
    whole = FeatureStore.create(tmp_path, "fake", 4, {"of": "damage"})
    for first in range(0, 12, 4):  # three shards, none of them closed
        other = FeatureStore.create(tmp_path / str(first), "fake", 4, {"of": "damage"})
        with other.writer() as writer:
            for number in range(first, first + 4):
                writer.add(key_of(number), features_of(number))
        (shard,) = other.shards()
        on_disk(shard).replace(on_disk(whole.folder / shard.name))
    good = {on_disk(shard): shard.read_bytes() for shard in whole.shards()}
    clips = {shard: dict(read_shard(shard)) for shard in good}
    n_found = 0
    for _ in range(N_DAMAGES):
        copy = shutil.copytree(on_disk(whole.folder), tmp_path / "copy", dirs_exist_ok=True)
        store = FeatureStore(copy)
        original = rng.choice(sorted(good))
        shard = copy / original.name
        shard.write_bytes(damage(good[original], rng))
        harmless = is_as_written(shard, clips[original])

        n_clips, damaged = store.verify(lambda done, total: None)

        assert [path for path, _ in damaged] == [] if harmless else [shard]
        assert n_clips == 12 - 4 * (not harmless)
        n_found += not harmless
        with store.writer() as writer:
            for number in range(12):
                if key_of(number) not in store:
                    writer.add(key_of(number), features_of(number))
        found = FeatureStore(store.folder).read(key_of(number) for number in range(12))
        assert all(same(found[key_of(number)], features_of(number)) for number in range(12))
        shutil.rmtree(copy)
    assert n_found > N_DAMAGES / 2


@pytest.mark.parametrize("content", [b"{", None])
def test_one_damaged_description_does_not_disable_the_other_stores(
    indexed: Path, run: Run, content: bytes | None
) -> None:
    good = run("extract", "--extractor", "mfcc", "--json").json["store"]
    bad = run("extract", "--extractor", "mfcc", "--hop-s", "0.5", "--json").json["store"]
    description = Path(bad, "store.json")
    whole = description.read_bytes()
    description.write_bytes(whole.replace(b'"hop"', b'"hup"') if content is None else content)

    info, trained, verified = run("store", "info", "--json"), run("train"), run("store", "verify")

    assert [store["store"] for store in info.json] == [good]
    assert f"{description} is damaged" in info.err
    assert trained.code == 0
    assert Path(good).name.partition("-")[2] in trained.err + trained.out
    assert verified.code == 1
    assert str(description) in verified.err
    assert "Traceback" not in info.err + trained.err + verified.err
    mended = run("extract", "--extractor", "mfcc", "--hop-s", "0.5", "--json")
    assert mended.json["n_skipped"] == N_CLIPS
    assert description.read_bytes() == whole
    assert run("store", "verify").code == 0
