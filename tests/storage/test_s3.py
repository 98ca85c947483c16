"""The commands, on a server that speaks S3."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from audiotl_cli.dataset.index import Index
from audiotl_cli.storage.remote import RemotePath
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.store.tidy import tidy
from tests.conftest import Run
from tests.store.features import features_of, key_of, same
from tests.waiting import wait_until

MFCC = ("--extractor", "mfcc", "--hop-s", "0.5")
CODE = "from audiotl_cli.cli.main import main; main()"


@pytest.fixture
def sounds_there(bucket: RemotePath, sounds: Path) -> RemotePath:
    """Return a folder of the bucket with the recordings of `sounds`."""
    folder = bucket / "my sounds"
    for path in sounds.rglob("*.wav"):
        (folder / path.relative_to(sounds).as_posix()).write_bytes(path.read_bytes())
    return folder


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, sounds: Path) -> Path:
    """Return a project with an index and features of `sounds`, all on a disk."""
    folder = tmp_path_factory.mktemp("local")
    for args in (["index", str(sounds)], ["extract", *MFCC]):
        subprocess.run([sys.executable, "-c", CODE, *args, "-q"], cwd=folder, check=True)
    return folder


def index_of(local: Path) -> tuple[str, str]:
    return "--index", str(local / "data/index/sounds.csv")


def shards(root: RemotePath | Path) -> dict[str, bytes]:
    (folder,) = (path.parent for path in root.glob("*/store.json"))
    return {path.name: path.read_bytes() for path in FeatureStore(folder).shards()}


def test_from_a_bucket_to_a_label(
    run: Run,
    project: Path,
    bucket: RemotePath,
    sounds_there: RemotePath,
    sounds: Path,
    local: Path,
) -> None:
    features = local / "data/features"
    here = run("train", *index_of(local), "--store", features, "--out", "here.joblib", "--json")
    there = bucket / "features"

    indexed = run("index", f"{sounds_there}/", "--json")
    assert (indexed.code, indexed.json["path"]) == (0, "data/index/my-sounds.csv")
    assert indexed.json["problems"] == {}
    index = Index.read("data/index/my-sounds.csv")
    assert Path("data/index/my-sounds.csv").read_text().endswith(f",{sounds_there}\n")
    assert index.clips == Index.read(index_of(local)[1]).clips

    extracted = run("extract", *MFCC, "--store", there, "--json")
    assert (extracted.code, extracted.json["n_added"]) == (0, 24)
    assert extracted.json["store"].startswith(str(there))
    assert shards(there) == shards(local / "data/features")
    again = run("extract", *MFCC, "--store", there, "--json").json
    assert (again["n_added"], again["n_skipped"]) == (0, 24)

    trained = run("train", "--store", there, "--out", "there.joblib", "--json")
    assert (trained.code, trained.json["labels"]) == (0, here.json["labels"])
    evaluated = run("evaluate", "there.joblib", "--store", there, "--json")
    assert (evaluated.code, evaluated.json["n_clips"]) == (0, 6)
    page = next(Path("data/experiments").rglob("report.html")).read_text()
    assert "data:audio" in page

    names = [sounds_there / "chirp" / "chirp-00.wav", sounds_there / "rain"]
    predicted = run("predict", *names, "--model", "there.joblib", "--json")
    assert predicted.code == 0
    same = [sounds / "chirp" / "chirp-00.wav", sounds / "rain"]
    expected = run("predict", *same, "--model", "here.joblib", "--json").json
    assert [entry["scores"] for entry in predicted.json] == [entry["scores"] for entry in expected]
    assert predicted.json[0]["path"] == str(names[0])
    some = run("predict", f"{sounds_there}/*/*-07.wav", "--model", "there.joblib", "--json")
    assert [Path(entry["path"]).name for entry in some.json] == [
        f"{label}-07.wav" for label in ("chirp", "drum", "rain")
    ]
    near = run("similar", names[0], "--store", there, "--top-k", "2", "--json")
    assert [entry["label"] for entry in near.json[0]["similar"]] == ["chirp", "chirp"]

    reported = run("store", "info", "--store", there, "--json").json
    assert (reported[0]["n_clips"], reported[0]["n_shards"]) == (24, 1)
    assert reported[0]["n_bytes"] == sum(len(content) for content in shards(there).values())


def test_objects_that_did_not_change_are_not_read_again(
    run: Run, project: Path, sounds_there: RemotePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []
    download = RemotePath.download

    def counted(self: RemotePath, to: Path) -> None:
        fetched.append(self.name)
        download(self, to)

    monkeypatch.setattr(RemotePath, "download", counted)
    assert run("index", sounds_there).code == 0
    assert len(fetched) == 24
    changed = sounds_there / "rain" / "rain-00.wav"
    changed.write_bytes((sounds_there / "drum" / "drum-00.wav").read_bytes())
    fetched.clear()
    assert run("index", sounds_there).code == 0
    assert fetched == ["rain-00.wav"]


def test_a_bad_object_costs_itself(
    run: Run, project: Path, bucket: RemotePath, sounds: Path
) -> None:
    (bucket / "a" / "good.wav").write_bytes((sounds / "rain" / "rain-00.wav").read_bytes())
    (bucket / "a" / "bad.wav").write_bytes(b"no sound")
    (bucket / "a" / "empty.wav").write_bytes(b"")
    (bucket / "a" / ".hidden.wav").write_bytes(b"")
    (bucket / "a" / "folder.wav").mkdir()
    indexed = run("index", bucket, "--json")
    assert indexed.json["problems"] == {"unreadable": ["a/bad.wav"], "empty": ["a/empty.wav"]}
    extracted = run("extract", *MFCC, "--store", bucket / "features", "--json")
    assert (extracted.code, extracted.json["n_added"]) == (1, 1)
    failed = {Path(entry["path"]).name: entry["code"] for entry in extracted.json["failures"]}
    assert failed == {"bad.wav": "unreadable", "empty.wav": "empty"}


def test_a_killed_extraction_goes_on(
    run: Run, project: Path, bucket: RemotePath, local: Path
) -> None:
    there = bucket / "features"
    extract = ["extract", *index_of(local), *MFCC, "--store", str(there)]
    stops = "import audiotl_cli.store.objects as o, threading; o.HOLD_S = 0.0\n"
    stops += "put, wait, done = o.ObjectWriter.add, threading.Event().wait, []\n"
    stops += "def add(*args): put(*args); done.append(args); len(done) > 2 and wait()\n"
    stops += "o.ObjectWriter.add = add\n"
    command = [sys.executable, "-c", stops + CODE, *extract]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: len(list(there.glob("*/shard-*.npz"))) >= 3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    went_on = run(*extract, "--json").json
    assert 0 < went_on["n_added"] < 24
    assert shards(there) == shards(local / "data/features")


def test_two_extractions_at_once(project: Path, bucket: RemotePath, local: Path) -> None:
    there = bucket / "features"
    extract = ["extract", *index_of(local), *MFCC, "--store", str(there), "--json"]
    command = [sys.executable, "-c", CODE, *extract]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in "ab"]
    reported = [json.loads(process.communicate()[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum(entry["n_added"] for entry in reported) >= 24
    assert shards(there) == shards(local / "data/features")


def test_many_writers_at_once_lose_nothing(
    bucket: RemotePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("shard", "objects"):
        monkeypatch.setattr(f"audiotl_cli.store.{module}.SHARD_CLIPS", 8)
    monkeypatch.setattr("audiotl_cli.store.objects.HOLD_S", 0.0)

    def opened() -> FeatureStore:
        return FeatureStore.create(bucket, "made", 4, {"imported": "made"})

    def write(seed: int) -> None:
        numbers = random.Random(seed).sample(range(18), 12)
        for part in (numbers[:6], numbers[6:]):
            with opened().writer() as writer:
                for number in part:
                    if key_of(number) not in writer.store:
                        writer.add(key_of(number), features_of(number))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(3)))
    done = {number for seed in range(3) for number in random.Random(seed).sample(range(18), 12)}
    tidy(opened())
    store = opened()
    found = store.read({key_of(number) for number in done})
    assert all(same(found[key_of(number)], features_of(number)) for number in done)
    assert sum(store.scanned().n_clips.values()) == len(done)


def test_a_flipped_bit_is_found_and_mended(
    run: Run, project: Path, bucket: RemotePath, local: Path
) -> None:
    there = bucket / "features"
    extract = ["extract", *index_of(local), *MFCC, "--store", str(there)]
    assert run(*extract).code == 0
    whole = shards(there)
    assert run("store", "verify", "--store", there).code == 0
    (victim,) = there.glob("*/shard-*.npz")
    content = bytearray(victim.read_bytes())
    content[-len(content) // 2] ^= 1
    victim.write_bytes(bytes(content))
    found = run("store", "verify", "--store", there, "--json")
    assert found.code == 1
    assert [entry["path"] for entry in found.json["damaged"]] == [str(victim)]
    aside = found.json["damaged"][0]["moved_to"]
    assert aside == str(victim.with_name(f"damaged-{victim.name}"))
    assert run(*extract, "--json").json["n_added"] == 24
    assert shards(there) == whole
    pruned = run("store", "prune", *index_of(local), "--store", there, "--json").json
    assert pruned["stores"][0]["leftovers"] == [aside]
    assert not RemotePath(aside).exists()


def test_wrong_places_are_said_in_a_line(
    run: Run, project: Path, bucket: RemotePath, local: Path
) -> None:
    cases: list[tuple[tuple[object, ...], int, str]] = [
        (("index", "s3://no-such-bucket/a"), 3, "no such folder"),
        (("index", bucket / "nothing"), 3, "no such folder"),
        (
            ("extract", *index_of(local), *MFCC, "--store", "s3://no-such-bucket/a"),
            3,
            "this bucket does not exist",
        ),
        (("store", "info", "--store", bucket / "nothing"), 3, "no feature store"),
        (("index", "s3://"), 2, "names no folder"),
        (("index", "nope://a/b"), 2, "nope:// is not supported"),
    ]
    for args, code, words in cases:
        ended = run(*args)
        assert (ended.code, words in " ".join(ended.err.split())) == (code, True), ended.err
        assert "Traceback" not in ended.err


def test_without_credentials_or_network(
    run: Run, project: Path, s3_server: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from s3fs import S3FileSystem

    for name, value in s3_server.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    S3FileSystem.clear_instance_cache()
    ended = run("index", "s3://bucket/a")
    assert (ended.code, "set AWS_ACCESS_KEY_ID" in ended.err) == (4, True), ended.err

    for name, value in s3_server.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    S3FileSystem.clear_instance_cache()
    ended = run("index", "s3://bucket/a")
    assert (ended.code, "AWS_ENDPOINT_URL" in ended.err) == (4, True), ended.err
    S3FileSystem.clear_instance_cache()
