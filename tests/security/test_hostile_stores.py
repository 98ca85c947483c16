"""Stores that strangers made: every file in one is refused or set aside, and the run goes on."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import stat
import time
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiotl_cli.errors import DataError
from audiotl_cli.evaluation.results import read_result
from audiotl_cli.journal_lines import append_lines
from audiotl_cli.json_files import get, parse_json_object, read_json_object
from audiotl_cli.store.description import fingerprint
from audiotl_cli.store.memo import HashMemo
from audiotl_cli.store.shard import DamagedShardError, read_keys, read_shard, write_shard
from audiotl_cli.store.store import FeatureStore
from tests.conftest import Run
from tests.store.features import clips_of, on_disk

needs_posix = pytest.mark.skipif(os.name != "posix", reason="needs pipes and links")


@pytest.fixture
def extracted(project: Path, sounds: Path, run: Run) -> Path:
    """Return a store of three clips of a label and three of another, in a project."""
    for label in ("chirp", "drum"):
        (project / "sounds" / label).mkdir(parents=True)
        for path in sorted((sounds / label).iterdir())[:3]:
            shutil.copy(path, project / "sounds" / label)
    assert run("index", "sounds", "--no-audit").code == 0
    return Path(run("extract", "--extractor", "mfcc", "--json").json["store"])


def outside(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rewrite(store: Path, **changed: Any) -> None:
    """Write a store's only shard anew, with other arrays, whole in every other way."""
    (shard,) = store.glob("shard-*.npz")
    with np.load(shard) as arrays:
        values = dict(arrays) | changed
    np.savez(shard, **values)


# --- width, values ---------------------------------------------------------------------


def test_a_shard_of_another_width_trains_nothing_and_is_made_again(
    extracted: Path, run: Run
) -> None:
    (shard,) = extracted.glob("shard-*.npz")
    with np.load(shard) as arrays:
        n_frames = len(arrays["frames"])
    rewrite(extracted, frames=np.ones((n_frames, 7), np.float32))

    verified = run("store", "verify")

    assert verified.code == 1
    assert "7 values per frame, the store has 120" in verified.err + verified.out
    assert run("extract", "--extractor", "mfcc", "--json").json["n_added"] == 6
    assert run("train").code == 0
    assert run("store", "verify").code == 0


def test_a_shard_of_another_width_is_seen_without_being_asked_for(
    extracted: Path, run: Run
) -> None:
    rewrite(extracted, frames=np.ones((30, 7), np.float32), times=np.zeros(30))

    again = run("extract", "--extractor", "mfcc", "--json")

    assert again.json["n_added"] == 6
    assert "7 values per frame" in again.err
    assert len(list(extracted.glob("damaged-*"))) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("member", ["frames", "times"])
def test_values_that_are_not_finite_are_damage(
    extracted: Path, run: Run, member: str, value: float
) -> None:
    (shard,) = extracted.glob("shard-*.npz")
    with np.load(shard) as arrays:
        changed = arrays[member].copy()
    changed.flat[-1] = value
    rewrite(extracted, **{member: changed})

    verified = run("store", "verify")

    assert verified.code == 1
    assert "not finite" in verified.err + verified.out
    assert run("extract", "--extractor", "mfcc", "--json").json["n_added"] == 6


@pytest.mark.parametrize(
    "changed",
    [
        {"times": np.array([0.0, -1.0, 1.0])},
        {"keys": np.array(["a", "a"])},
        {"offsets": np.array([0, np.iinfo(np.int64).min, 3])},
        {"frames": np.zeros((3, 0), np.float32)},
        {"frames": np.zeros((3, 4), np.float32)},
        {"format": np.array(1.0)},
    ],
)
def test_arrays_no_store_holds_are_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    arrays: dict[str, Any] = {
        "format": np.int64(1),
        "keys": np.array(["a", "b"]),
        "offsets": np.array([0, 1, 3]),
        "times": np.zeros(3),
        "frames": np.zeros((3, 2), np.float32),
    }
    path = tmp_path / "shard-0.npz"
    np.savez(path, **arrays)
    assert len(list(read_shard(path, 2))) == 2
    np.savez(path, **(arrays | changed))
    with pytest.raises(DamagedShardError):
        list(read_shard(path, 2))


# --- archives ----------------------------------------------------------------------------


def npy(shape: str, descr: str = "'<f4'", data: bytes = b"") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + data


HEADERS = {
    "huge": npy(f"({10**18}, 4)"),
    "negative": npy("(-2, -2)", data=bytes(16)),
    "logical": npy("(True, 4)", data=bytes(16)),
    "no width": npy(f"({10**12}, 0)"),
    "objects": npy("(1,)", "'|O'", bytes(8)),
    "is empty": npy(f"({10**12},)", "'<U0'"),
    "records": npy("(1,)", f"{[('x', '<f4')] * 1!r}", bytes(4)),
    "brackets": npy("(" * 400),
    "minuses": npy("-" * 400 + "1"),
    "digits": npy("(" + "9" * 480 + ",)"),
    "nothing": b"",
    "long header": b"\x93NUMPY\1\0\xff\xff" + b"{" + b" " * 65534,
}


@pytest.mark.parametrize("member", ["format", "keys", "offsets", "times", "frames"])
@pytest.mark.parametrize("kind", HEADERS)
def test_absurd_arrays_are_damage(tmp_path: Path, member: str, kind: str) -> None:
    path = on_disk(write_shard(tmp_path, clips_of(1, 2)))
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (members | {f"{member}.npy": HEADERS[kind]}).items():
            archive.writestr(name, content)
    tracemalloc.start()
    with pytest.raises(DamagedShardError):
        list(read_shard(path, 4))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 << 20


def directory_of_many() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(5_000):
            archive.writestr(str(number), b"")
    return buffer.getvalue()


def named_twice() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("format.npy", b"")
        archive.writestr("format.npz", b"")
    return buffer.getvalue().replace(b"format.npz", b"format.npy")


def bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("format", "keys", "offsets", "times", "frames"):
            archive.writestr(f"{name}.npy", npy(f"({1 << 22},)", data=bytes(1 << 24)))
    return buffer.getvalue()


@pytest.mark.parametrize("make", [directory_of_many, named_twice, bomb])
def test_archives_no_store_holds_are_damage(tmp_path: Path, make: Any) -> None:
    path = tmp_path / "shard-0.npz"
    path.write_bytes(make())
    tracemalloc.start()
    for read in (read_keys, lambda path: list(read_shard(path))):
        with pytest.raises(DamagedShardError):
            read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 << 20


def test_a_directory_that_names_members_at_negative_places_is_damage(tmp_path: Path) -> None:
    path = on_disk(write_shard(tmp_path, clips_of(1)))
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\1\2")
    content[at + 42 : at + 46] = b"\xff\xff\xff\x7f"
    path.write_bytes(content)
    with pytest.raises(DamagedShardError):
        read_keys(path)


def test_keys_beyond_unicode_are_damage(tmp_path: Path) -> None:
    path = on_disk(write_shard(tmp_path, clips_of(1)))
    with np.load(path) as arrays:
        values = dict(arrays)
    values["keys"] = np.array([0x7FFFFFFF], "<u4").view("<U1")
    np.savez(path, **values)
    with pytest.raises(DamagedShardError):
        read_keys(path)


# --- what is no file ---------------------------------------------------------------------


@needs_posix
@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "dangling", "device"])
def test_what_is_no_file_is_set_aside_and_the_run_goes_on(
    extracted: Path, run: Run, kind: str
) -> None:
    path = extracted / "shard-0123456789abcdef.npz"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        (path / "in").mkdir(parents=True)
    else:
        shard = next(extracted.glob("shard-*.npz"))
        to = {"link": str(shard), "dangling": "no", "device": "/dev/zero"}
        path.symlink_to(Path(to[kind]).absolute())

    trained, verified = run("train"), run("store", "verify")

    assert (trained.code, verified.code) == (0, 0), trained.err + verified.err
    assert "expected a regular file" in trained.err
    assert not os.path.lexists(path)
    assert os.path.lexists(extracted / f"damaged-{path.name}")
    assert run("store", "prune").code == 0
    assert os.path.lexists(extracted / f"damaged-{path.name}")  # nothing of ours


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_shard_that_may_not_be_read_is_an_error_and_stays(extracted: Path, run: Run) -> None:
    (shard,) = extracted.glob("shard-*.npz")
    shard.chmod(0)
    finished = run("train")
    assert finished.code == 3
    assert "cannot be opened (Permission denied)" in finished.err
    assert shard.exists()


def test_verify_goes_on_after_a_shard_that_cannot_be_opened(
    extracted: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.open

    def refuse(path: Any, *args: Any, **kwargs: Any) -> int:
        if "shard-" in str(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return really(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse)
    verified = run("store", "verify")
    assert verified.code == 1
    assert "cannot be opened (Permission denied)" in verified.err + verified.out
    assert "Traceback" not in verified.err


@needs_posix
def test_a_pipe_for_a_description_is_no_store(extracted: Path, run: Run) -> None:
    (extracted / "store.json").unlink()
    os.mkfifo(extracted / "store.json")
    for command in ("info", "verify"):
        finished = run("store", command)
        assert finished.code in (1, 3)
        assert "Traceback" not in finished.err
    with pytest.raises(DataError, match="expected a regular file"):
        FeatureStore(extracted)


# --- descriptions ------------------------------------------------------------------------

WRONG: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    1e400,
    10**30,
    "",
    "x",
    "\x1b[2J",
    [],
    ["x"],
    {},
    {"a": []},
]


@pytest.mark.parametrize("field", ["format", "extractor", "fingerprint", "dim", "made_from"])
def test_every_field_of_a_description_may_be_anything(
    extracted: Path, run: Run, field: str
) -> None:
    path = extracted / "store.json"
    about = json.loads(path.read_text())
    for value in WRONG:
        changed = about | {field: value}
        if field == "made_from":
            changed["fingerprint"] = fingerprint(value) if isinstance(value, dict) else "0" * 12
        path.write_text(json.dumps(changed))
        for command in (["store", "info"], ["store", "verify"]):
            finished = run(*command)
            assert finished.code in (0, 1, 3), finished.err
            assert "Traceback" not in finished.err + finished.out
            assert "\x1b[2J" not in finished.err + finished.out


@pytest.mark.parametrize(
    "field", ["layer", "hop", "sample_rate", "resampler", "weights", "details"]
)
def test_every_field_of_what_features_are_made_from_may_be_anything(
    extracted: Path, run: Run, field: str
) -> None:
    path = extracted / "store.json"
    about = json.loads(path.read_text())
    for value in WRONG:
        about["made_from"][field] = value
        about["fingerprint"] = fingerprint(about["made_from"])
        path.write_text(json.dumps(about))
        finished = run("store", "info")
        assert finished.code in (0, 3), finished.err
        assert "Traceback" not in finished.err + finished.out
        assert "\x1b[2J" not in finished.err + finished.out


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"a":' * 900 + b"1" + b"}" * 900,
        b'{"format": 1, "made_from": ' + b'{"a":' * 40 + b"1" + b"}" * 41,
        b'{"format": ' + b"9" * 5000 + b"}",
        b'{"format": 1, "extractor": "\\ud800"}',
        b'{"format": 1' + b" " * (2 << 20) + b"}",
        b"\xff\xfe\x00",
    ],
    ids=["brackets", "deep", "deeper than any", "digits", "surrogate", "large", "bytes"],
)
def test_descriptions_that_are_too_much_are_damage(
    extracted: Path, run: Run, content: bytes
) -> None:
    (extracted / "store.json").write_bytes(content)
    for command, code in (("info", 3), ("verify", 1)):
        finished = run("store", command)
        assert finished.code == code
        assert "is damaged" in finished.err
        assert "Traceback" not in finished.err
    assert run("extract", "--extractor", "mfcc", "--json").json["n_skipped"] == 6


def test_a_description_as_large_as_a_disk_takes_no_memory(tmp_path: Path) -> None:
    with (tmp_path / "store.json").open("wb") as file:
        file.truncate(1 << 40)
    tracemalloc.start()
    with pytest.raises(DataError, match="more than 1048576 bytes"):
        FeatureStore(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def test_json_objects_are_read_with_limits(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"a": {"b": [1, 2.5, "c", null, true]}}')
    assert read_json_object(path) == {"a": {"b": [1, 2.5, "c", None, True]}}
    with pytest.raises(DataError, match="more than 10 bytes"):
        read_json_object(path, max_bytes=10)
    with pytest.raises(DataError, match="more than 2 levels deep"):
        read_json_object(path, max_depth=2)
    with pytest.raises(DataError, match="holds a list, expected a JSON object"):
        parse_json_object(b"[]")
    with pytest.raises(DataError, match="not a finite number"):
        parse_json_object(b'{"a": NaN}')


def test_values_are_of_the_type_that_is_asked_for() -> None:
    values = {"n": 1, "x": 1.5, "yes": True, "text": "a"}
    assert get(values, "n", int) == 1
    assert get(values, "n", float) == 1.0
    for name, kind in (("x", int), ("yes", int), ("yes", float), ("text", dict), ("no", str)):
        with pytest.raises(DataError, match=f"'{name}' is"):
            get(values, name, kind)


# --- memos -------------------------------------------------------------------------------

SHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
MEMO_LINES = [
    b"",
    b"\t\t\t",
    b"1\t2",
    b"x\t2\t" + SHA256.encode() + b"\tname",
    b"9" * 5000 + b"\t2\t" + SHA256.encode() + b"\tname",
    b"1\t2\t\xff\xfe\tname",
    b"1\t2\t../../etc\tname",
    b"1\t2\t" + b"a" * 63 + b"\tname",
    b"1\t2\t" + SHA256.encode() + b"\t",
    "\u0661\t\u0662\t".encode() + SHA256.encode() + b"\tname",
]


def test_a_line_of_a_memo_that_is_none_counts_for_nothing(extracted: Path, run: Run) -> None:
    for line in MEMO_LINES:
        append_lines(Path("data/features/.hashes"), [line])
        finished = run("extract", "--extractor", "mfcc", "--json")
        assert finished.code == 0, finished.err
        assert finished.json["n_skipped"] == 6


AUDIT_VALUES = [
    b"",
    b"[" * 100_000,
    b"[]",
    b"{}",
    b'{"message": 1, "code": [], "stage": {}}',
    b'{"message": "x"}',
    b'{"sample_rate": "x"}',
    b"\xff",
]


def test_a_line_of_the_audits_memo_that_is_none_counts_for_nothing(
    project: Path, sounds: Path, run: Run
) -> None:
    (project / "sounds").mkdir()
    shutil.copy(next(sounds.glob("*/*.wav")), project / "sounds" / "a.wav")
    first = run("index", "sounds", "--json")
    assert first.code == 0
    memo = Path("data/index/.audit")
    _, version, key, measured = memo.read_bytes().splitlines()[0].split(b"\t", 3)
    changed = [("sample_rate", 0), ("sample_rate", -1), ("n_samples", "x"), ("words", "%"),
               ("pcm", 5), ("swing", None), ("cut_short", [])]  # fmt: skip
    values = [json.dumps(json.loads(measured) | {name: other}) for name, other in changed]
    append_lines(memo, [b"\t".join((version, b"\xff\xfe", measured))])
    for value in [*AUDIT_VALUES, *(text.encode() for text in values)]:
        append_lines(memo, [b"\t".join((version, key, value))])
        again = run("index", "sounds", "--json")
        assert again.code == 0, again.err
        assert again.json["problems"] == first.json["problems"]


def test_a_memo_of_one_endless_line_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / ".hashes"
    with path.open("wb") as file:
        file.truncate(1 << 28)
    tracemalloc.start()
    HashMemo(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


@needs_posix
@pytest.mark.parametrize("name", [".hashes", "../index/.audit"])
def test_a_pipe_for_a_memo_is_neither_waited_for_nor_written(
    extracted: Path, run: Run, name: str
) -> None:
    path = Path("data/features", name)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    started = time.monotonic()
    assert run("index", "sounds", "--overwrite").code == 0
    assert run("extract", "--extractor", "mfcc").code == 0
    assert time.monotonic() - started < 60
    assert stat.S_ISFIFO(path.lstat().st_mode)


# --- other JSON files, imported features ------------------------------------------------

DEEP = b"[" * 100_000


def test_notes_of_tune_that_are_too_much_are_left(extracted: Path, run: Run) -> None:
    notes = Path("data/models/any.tuning.json")
    notes.parent.mkdir(exist_ok=True)
    for content in (DEEP, b'{"of": ' + b'{"a":' * 900 + b"1" + b"}" * 901, b'{"of": 1}'):
        notes.write_bytes(content)
        finished = run("tune", "--classifier", "knn", "--out", "data/models/any.joblib")
        assert finished.code in (0, 2, 3), finished.err
        assert "Traceback" not in finished.err


@pytest.mark.parametrize("content", [DEEP, b"[]", b'{"predictions": [{"path": 1}]}', b"\xff"])
def test_reports_that_are_none_are_named(
    extracted: Path, run: Run, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(content)
    assert run("train").code == 0
    with pytest.raises(DataError, match=r"report\.json is no report\.json of audiotl evaluate"):
        read_result(path)


@pytest.mark.parametrize("content", [DEEP, b'{"a":' * 900, b"{}", b'{"path": "\\ud800"}'])
def test_json_lines_that_are_too_much_are_named(
    project: Path, sounds: Path, run: Run, content: bytes
) -> None:
    Path("rows.jsonl").write_bytes(content)
    finished = run("index", str(sounds), "--metadata", "rows.jsonl")
    assert finished.code in (0, 2, 3), finished.err
    assert "Traceback" not in finished.err


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_imported_features_must_be_finite(project: Path, run: Run, value: float) -> None:
    values = np.ones((2, 3))
    values[1, 1] = value
    np.savez("seed.npz", X=values, Y=np.zeros(2, int), IDS=np.array(["a/1.wav", "b/2.wav"]))
    finished = run("store", "import", "seed.npz", "--name", "seed", "--split", "train")
    assert finished.code == 3
    assert "values that are not finite" in finished.err
    assert not list(Path().rglob("shard-*"))


@needs_posix
def test_a_pipe_for_imported_features_is_not_waited_for(project: Path, run: Run) -> None:
    os.mkfifo("seed.npz")
    finished = run("store", "import", "seed.npz", "--name", "seed", "--split", "train")
    assert finished.code == 3
    assert "expected a regular file" in finished.err
