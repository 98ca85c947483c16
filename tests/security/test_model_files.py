"""Model files that strangers made: none runs code, hangs, ends the process or fills the memory."""

from __future__ import annotations

import bz2
import copy
import gzip
import io
import lzma
import os
import pickle
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from audiotl_cli.classifiers.model_file import dump_model, load_model_file
from audiotl_cli.errors import ArtifactError
from tests.classifiers.test_model_file import CARD, fitted
from tests.conftest import Run

SECONDS, MEGABYTES = 5.0, 300.0  # beyond what the file itself takes

ASK = """
import resource, sys, time
from pathlib import Path
import numpy as np
from audiotl_cli.classifiers.model_file import load_model_file
from audiotl_cli.errors import ArtifactError
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
path = Path(sys.argv[1])
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
try:
    model, _ = load_model_file(path)
    model.scores([[np.ones((3, 6), np.float32)]])
    outcome = "loaded"
except ArtifactError as error:
    one_line = len(str(error).splitlines()) == 1 and len(str(error)) < 600
    outcome = "refused" if one_line and str(error).startswith(str(path)) else repr(error)
took = time.process_time() - start
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
print(outcome, took, grown)
"""


class Hostile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.path}",)


@cache
def packed_model(name: str = "logreg") -> bytes:
    return dump_model(fitted(name), CARD)


def changed(change: Callable[[Any], None], name: str = "logreg") -> bytes:
    """Return a model file whose content was changed as a person would who uses joblib."""
    content = copy.deepcopy(joblib.load(io.BytesIO(packed_model(name))))
    change(content)
    return packed(content)


def packed(content: object) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(content, buffer, protocol=4)
    return buffer.getvalue()


def head(content: Any) -> Any:
    """Return the classifier in a file."""
    return content["parts"]["pipeline"]["parts"][-1]


def put_array(name: str, value: Any) -> Callable[[Any], None]:
    def change(content: Any) -> None:
        head(content)["arrays"][name] = value

    return change


def fill_array(name: str, value: float) -> Callable[[Any], None]:
    def change(content: Any) -> None:
        head(content)["arrays"][name].flat[-1] = value

    return change


def put_card(name: str, value: Any) -> Callable[[Any], None]:
    def change(content: Any) -> None:
        content["card"][name] = value

    return change


def nested(depth: int) -> bytes:
    """Return lists within lists."""
    return b"\x80\x04" + b"]" * depth + b"a" * (depth - 1) + b"."


def laughs() -> bytes:
    """Return lists, each of which holds the one before ten times over."""
    code = b"\x80\x04]\x94"
    for place in range(40):
        code += b"](" + b"h" + bytes([place]) + (b"h" + bytes([place])) * 9 + b"e\x94"
    return code + b"."


def array_code(shape: tuple[int, ...]) -> bytes:
    """Return a file with an array that claims a shape and holds nothing."""
    whole = packed({"format": 2, "card": np.zeros(3)})
    claimed = b"(" + b"".join(b"\x8a\x09" + n.to_bytes(9, "little") for n in shape) + b"t"
    before, after = whole.split(b"K\x03\x85", 1)
    return before + claimed + after


def deep_parts(depth: int) -> Callable[[Any], None]:
    def change(content: Any) -> None:
        part = content["parts"]["pipeline"]
        for _ in range(depth):
            part = {"kind": "pipeline", "params": {}, "arrays": {}, "parts": [part]}
        content["parts"]["pipeline"] = part

    return change


def many_marks(content: Any) -> None:
    marks = {"marks": np.arange(5_000_000, dtype=np.uint64)}
    part = {"kind": "clips", "params": {}, "arrays": marks, "parts": []}
    content["parts"]["trained_on"] = part


def many_steps(content: Any) -> None:
    n = 5_000_000
    content["parts"]["calibration"] = {
        "kind": "isotonic",
        "params": {"n_clips": 9, "temperature": 1.0},
        "arrays": {
            "scores": np.linspace(0, 1, n),
            "probabilities": np.linspace(0, 1, n),
            "n_steps": np.array([n - 2, 1, 1]),
        },
        "parts": [],
    }


def many_trees(content: Any) -> None:
    n = 3_000_000
    own = np.arange(n, dtype=np.int32)
    head(content)["arrays"] |= {
        "feature": np.zeros(n, np.int32),
        "threshold": np.zeros(n),
        "left": own,
        "right": own,
        "first_node": own.astype(np.int64),
        "leaf": own,
        "leaf_label": np.zeros(n, np.int32),
        "leaf_share": np.ones(n),
    }


def chained_trees(content: Any) -> None:
    n = 3_000_001
    own = np.arange(n, dtype=np.int32)
    inner = (own % 2 == 0) & (own < n - 1)
    leaves = own[~inner]
    head(content)["arrays"] |= {
        "feature": np.zeros(n, np.int32),
        "threshold": np.zeros(n),
        "left": np.where(inner, own + 1, own).astype(np.int32),
        "right": np.where(inner, own + 2, own).astype(np.int32),
        "first_node": np.zeros(1, np.int64),
        "leaf": leaves,
        "leaf_label": np.zeros(len(leaves), np.int32),
        "leaf_share": np.ones(len(leaves)),
    }


DTYPE = b"\x80\x04\x8c\x05numpy\x8c\x05dtype\x93"
DEEP = b")" + b"\x85" * 300_000  # tuples, which Python cannot show

FILES: dict[str, Callable[[], bytes]] = {
    # what held up, or ended, a reader of pickles
    "claims bytes it has not": lambda: b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b".",
    "claims a text it has not": lambda: b"\x80\x04\x8d" + struct.pack("<Q", 2**40) + b".",
    "claims a longer text": lambda: b"\x80\x04X" + struct.pack("<I", 2**31) + b"a.",
    "claims a number it has not": lambda: b"\x80\x04\x8b" + struct.pack("<i", 2**30) + b".",
    "a billion laughs": laughs,
    "a list that holds itself": lambda: b"\x80\x04]\x94h\x00a.",
    "a key that is tuples": lambda: b"\x80\x04}" + b")" + b"\x85" * 200_000 + b"Ns.",
    "keys that are tuples twice over": lambda: b"\x80\x04})" + b"\x94h\x00\x86" * 90 + b"Ns.",
    "lists in lists": lambda: nested(900_000),
    "tuples in tuples": lambda: b"\x80\x04)" + b"\x85" * 900_000 + b".",
    "a type that is tuples": lambda: DTYPE + DEEP + b"\x85R.",
    "a call with tuples": lambda: DTYPE + DEEP + b"R.",
    "a name that is lists": lambda: b"\x80\x04\x8c\x01a" + nested(300_000)[2:-1] + b"\x93.",
    "a shape that is tuples": lambda: packed({"format": 2, "card": np.zeros(3)}).replace(
        b"K\x03\x85", DEEP + b"\x85", 1
    ),
    "a format that is an array": lambda: changed(lambda content: content.update(format=np.ones(2))),
    "two million instructions": lambda: b"\x80\x04]" + b"Na" * 1_500_000 + b".",
    "1.5 million names": lambda: packed({"format": 2, **{f"n{i}": i for i in range(1_500_000)}}),
    "one text very often": lambda: (
        b"\x80\x04X"
        + struct.pack("<I", 900_000)
        + b"a" * 900_000
        + b"\x94]("
        + b"h\x00" * 400_000
        + b"e."
    ),
    "marks alone": lambda: b"\x80\x04" + b"(" * 900_000 + b".",
    "an array larger than the file": lambda: array_code((2**40,)),
    "an array of no rows": lambda: array_code((0, 2**40)),
    "an array of a negative shape": lambda: array_code((2**71,)),
    "objects in an array": lambda: changed(put_array("coef", np.array([{}], object))),
    "texts in an array": lambda: changed(put_array("coef", np.array(["a"]))),
    "records in an array": lambda: changed(put_array("coef", np.zeros(3, "f8,i4"))),
    "a memory-mapped file": lambda: changed(put_array("coef", b"x")),
    "one name twice": lambda: b"\x80\x04}\x8c\x01aN\x8c\x01aN(u.",
    # compressed
    "zlib bomb": lambda: zlib.compress(bytes(2**27)),
    "gzip bomb": lambda: gzip.compress(bytes(2**27), 1),
    "bz2 bomb": lambda: bz2.compress(bytes(2**25)),
    "xz bomb": lambda: lzma.compress(bytes(2**25), preset=0),
    "zip": lambda: b"PK\x03\x04" + bytes(100),
    # cards
    "a card that is deep": lambda: changed(put_card("params", {"a": [[[[[[[[[1]]]]]]]]]})),
    "a label that is a number": lambda: changed(put_card("labels", ["a", "b", 3])),
    "labels that are a text": lambda: changed(put_card("labels", "abc")),
    "a repeated label": lambda: changed(put_card("labels", ["a", "a", "b"])),
    "a label as long as a book": lambda: changed(put_card("labels", ["a", "b", "c" * 900_000])),
    "no labels": lambda: changed(put_card("labels", [])),
    "an extractor that is none": lambda: changed(put_card("extractors", [3])),
    "no extractors": lambda: changed(put_card("extractors", [])),
    "a pooling of its own": lambda: changed(put_card("pooling", "eval")),
    "a seed that is true": lambda: changed(put_card("seed", True)),
    "held out by halves": lambda: changed(put_card("held_out", {"accuracy": 1.0})),
    "a threshold that is a text": lambda: changed(
        put_card("rejection", {"rate": 0.1, "threshold": "high"})
    ),
    "a field of its own": lambda: changed(put_card("code", "import os")),
    # numbers that do not fit together
    "a hole in the coefficients": lambda: changed(fill_array("coef", float("nan"))),
    "infinite coefficients": lambda: changed(fill_array("coef", float("inf"))),
    "too large coefficients": lambda: changed(put_array("coef", np.full((3, 12), 1e308))),
    "narrow coefficients": lambda: changed(put_array("coef", np.zeros((3, 11)))),
    "parts in parts": lambda: changed(deep_parts(6)),
    "parts very deep in parts": lambda: changed(deep_parts(60)),
    "a million features": lambda: changed(
        lambda content: content["parts"]["pipeline"]["params"].update(n_features=10**6)
    ),
    "another classifier": lambda: changed(lambda content: head(content).update(kind="knn")),
    "no classifier": lambda: changed(lambda content: head(content).update(kind="os.system")),
    "a classifier as long as a book": lambda: changed(
        lambda content: head(content).update(kind="a" * 900_000)
    ),
    "no pipeline": lambda: changed(lambda content: content["parts"].clear()),
    "a pipeline that is a list": lambda: changed(
        lambda content: content["parts"].update(pipeline=[])
    ),
    "a child out of range": lambda: changed(fill_array("left", 2**30), "random-forest"),
    "a child that is its parent": lambda: changed(fill_array("right", 0), "random-forest"),
    "marks of five million clips": lambda: changed(many_marks),
    "a calibration of five million steps": lambda: changed(many_steps),
    "three million trees": lambda: changed(many_trees, "random-forest"),
    "a tree of a million levels": lambda: changed(chained_trees, "random-forest"),
    "a neighbour of no label": lambda: changed(fill_array("labels", 10**6), "knn"),
    "more vectors than there are": lambda: changed(fill_array("n_vectors", 10**6), "svm"),
}


@pytest.mark.parametrize("name", FILES)
def test_it_is_refused_at_once(tmp_path: Path, name: str) -> None:
    path = tmp_path / "m.joblib"
    path.write_bytes(FILES[name]())
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    outcome, took, grown = done.stdout.rsplit(maxsplit=2)
    assert outcome == "refused"
    assert float(took) < SECONDS
    assert float(grown) < MEGABYTES + path.stat().st_size / 2**20


def test_a_whole_model_is_loaded_within_the_same_limits(tmp_path: Path) -> None:
    path = tmp_path / "m.joblib"
    path.write_bytes(packed_model("random-forest"))
    command = [sys.executable, "-c", ASK, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("loaded")


@pytest.mark.parametrize("function", ["posix.system", "builtins.eval"])
def test_code_is_refused_wherever_it_hides(tmp_path: Path, function: str) -> None:
    canary, path = tmp_path / "canary", tmp_path / "m.joblib"
    hostile = Hostile(canary)
    objects = np.empty(1, object)
    objects[0] = hostile
    contents: list[Any] = [hostile, [hostile], objects, {"format": 2, "card": hostile}]
    whole = joblib.load(io.BytesIO(packed_model()))
    contents.append({**whole, "card": {**whole["card"], "params": {"C": hostile}}})
    for content in contents:
        code = packed(content)
        if function == "builtins.eval":
            code = code.replace(b"\x8c\x05posix", b"\x8c\x08builtins").replace(
                b"\x8c\x06system", b"\x8c\x04eval"
            )
        path.write_bytes(code)
        with pytest.raises(ArtifactError, match=r"not a model saved by audiotl \(it (holds|has)"):
            load_model_file(path)
        assert not canary.exists()


@pytest.mark.parametrize(
    "code",
    [
        b"cposix\nsystem\n(S'touch canary'\ntR.",
        b"(S'touch canary'\niposix\nsystem\n.",
        b"(cposix\nsystem\nS'touch canary'\no.",
        b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x0ctouch canary\x85R.",
        b"\x80\x04\x8c\x0bnumpy.dtype\x8c\x04mro.\x93.",
        b"\x80\x04\x8c\x05numpy\x8c\x05dtype\x93\x8c\x01O\x89\x88\x87R.",
        b"\x80\x04\x8c\x05numpy\x8c\x07ndarray\x93)\x81.",
        b"\x80\x04\x8c\x13joblib.numpy_pickle\x8c\x11NumpyArrayWrapper\x93)\x81.",
        b"Psomething\n.",
        b"\x82\x01.",
        b"N.cposix\nsystem\n(S'touch canary'\ntR.",
    ],
)
def test_pickles_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: bytes) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "m.joblib"
    for content in (code, zlib.compress(code), pickle.dumps(1) + code):
        path.write_bytes(content)
        with pytest.raises(ArtifactError, match="not a model saved by audiotl"):
            load_model_file(path)
    assert not (tmp_path / "canary").exists()


def test_whatever_byte_is_damaged_it_is_a_model_or_refused(tmp_path: Path) -> None:
    whole, path = packed_model(), tmp_path / "m.joblib"
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole), 1500).tolist():
        damaged = bytearray(whole)
        damaged[place] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        try:
            model, _ = load_model_file(path)
            assert np.isfinite(model.scores([[np.ones((2, 6), np.float32)]])).all()
        except ArtifactError as error:
            refused = str(error)
            assert refused.startswith((str(path), "the model gives scores that are not finite"))
    for end in range(0, len(whole), 37):
        path.write_bytes(whole[:end])
        with pytest.raises(ArtifactError):
            load_model_file(path)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (zlib.compress(pickle.dumps({"format": 1})), "compressed"),
        (b"PK\x03\x04" + bytes(40), "compressed"),
        (pickle.dumps(np.random.default_rng), "holds the name numpy.random"),
    ],
)
def test_files_of_earlier_versions_say_to_train_again(
    project: Path, run: Run, content: bytes, what: str
) -> None:
    Path("old.joblib").write_bytes(content)
    finished = run("predict", "x.wav", "--model", "old.joblib")
    assert finished.code == 5
    assert what in finished.err
    assert finished.err.count("train it again with: audiotl train") == 1
    inspected = run("model", "inspect", "old.joblib", "--json").json
    assert (inspected["allowed"], inspected["card"]) == (False, None)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path, run: Run) -> None:
    os.mkfifo(tmp_path / "pipe.joblib")
    for path in (tmp_path / "pipe.joblib", tmp_path, Path("/dev/zero")):
        assert run("model", "inspect", path).code == 3


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (f"savedmodel:/{'x' * 5000}", "File name too long"),
        ("savedmodel:~nobody-of-this-name/net", "no SavedModel"),
        ("tflite:a\0b", "no such TFLite file"),
        ("tflite:/dev/zero", "no such TFLite file"),
    ],
)
def test_a_model_that_names_no_program_is_shown_and_not_used(
    project: Path, run: Run, name: str, problem: str
) -> None:
    spec = replace(CARD.extractors[0], config=replace(CARD.extractors[0].config, name=name))
    Path("m.joblib").write_bytes(dump_model(fitted(), replace(CARD, extractors=[spec])))

    inspected = run("model", "inspect", "m.joblib", "--json").json
    used = run("predict", "x.wav", "--model", "m.joblib")

    assert inspected["allowed"]
    assert [program["name"] for program in inspected["programs"]] == [name]
    assert problem in inspected["programs"][0]["problem"]
    assert used.code == 4
    assert problem in used.err
    assert max(map(len, used.err.splitlines())) < 400
