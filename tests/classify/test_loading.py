"""Files that would run code, or fill the memory: none does."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from audiotl_cli.classify.allowed import NAMES
from audiotl_cli.classify.artifact import dump_model, load_model_file
from audiotl_cli.classify.classifier import ClassifierOptions, fit_quietly
from audiotl_cli.classify.loading import unusual_in
from audiotl_cli.classify.outline import outline
from audiotl_cli.classify.streaming import fit_streamed
from audiotl_cli.errors import ArtifactError, UsageError
from tests.classify.problems import made_clips
from tests.classify.test_artifact import CARD, fitted
from tests.classify.test_classifier import NAMES as CLASSIFIERS
from tests.classify.test_classifier import QUICK

LOSSES = (
    "hinge", "modified_huber", "squared_hinge", "squared_error", "huber", "epsilon_insensitive",
    "squared_epsilon_insensitive",
)  # fmt: skip


class Hostile:
    def __init__(self, path: Path, function: Any = os.system) -> None:
        self.path, self.function = path, function

    def __reduce__(self) -> Any:
        text = (
            f"touch {self.path}" if self.function is os.system else f"open({str(self.path)!r},'w')"
        )
        return self.function, (text,)


def packed(content: object) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(content, buffer, compress=3)
    return buffer.getvalue()


def model() -> dict[str, Any]:
    return dict(joblib.load(io.BytesIO(dump_model(fitted(), CARD))))


def refused(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "m.joblib"
    path.write_bytes(content)
    with pytest.raises(ArtifactError) as caught:
        load_model_file(path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "canary").exists()
    return str(caught.value)


@pytest.mark.filterwarnings("ignore")
def test_the_list_is_exact() -> None:
    used: set[object] = set()

    def take(content: Any) -> None:
        found = outline(dump_model(content, CARD))
        assert unusual_in(found) == ""
        used.update(found.names)

    for n_labels in (2, 3):
        clips, truth = made_clips(12, labels=["a", "b", "c"][:n_labels])
        two = [[clip[0], clip[0]] for clip in clips]
        for name in CLASSIFIERS:
            base = ClassifierOptions(name, params=QUICK.get(name, {}))
            take(fit_quietly(clips, truth, base))
            take(fit_quietly(clips, truth, replace(base, pooling="vote", balance=True)))
            take(fit_quietly(clips, truth, replace(base, pca=3, scale=True)))
            take(fit_quietly(two, truth, replace(base, combine="average")))
            take(fit_quietly(two, truth, replace(base, root=True)))
            several = [label + ";all" for label in truth]
            take(fit_quietly(clips, several, replace(base, multi_label=True)))
        for loss in LOSSES:
            options = ClassifierOptions("perceptron", params={"loss": loss})
            take(fit_quietly(clips, truth, options))
    take(fit_quietly(clips, truth, ClassifierOptions("mlp", params={"solver": "adam"})))
    take(fit_quietly(clips, truth, ClassifierOptions("knn", params={"metric": "euclidean"})))
    options = ClassifierOptions("linear-svm", pooling="vote", params={"max_iter": 5})
    take(fit_streamed(lambda _: iter([(clips, truth)]), truth, [clips[0][0].shape[1]], options))
    assert used == NAMES


@pytest.mark.parametrize("function", [os.system, eval])
def test_code_is_refused_wherever_it_hides(tmp_path: Path, function: Any) -> None:
    hostile = Hostile(tmp_path / "canary", function)
    objects = np.empty(1, object)
    objects[0] = hostile
    inside = model()
    inside["pipeline"].steps[-1][1].classes_ = hostile
    named = "posix.system" if function is os.system else "builtins.eval"
    for content in (hostile, [hostile], {**model(), "card": hostile}, objects, inside):
        message = refused(tmp_path, packed(content))
        assert named in message
        assert "--trust sha256:" in message


@pytest.mark.parametrize(
    "code",
    [
        b"cposix\nsystem\n(S'touch canary'\ntR.",
        b"(S'touch canary'\niposix\nsystem\n.",
        b"(cposix\nsystem\nS'touch canary'\no.",
        b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x0ctouch canary\x85R.",
        b"\x80\x04\x8c\x0bnumpy.dtype\x8c\x04mro.\x93.",
        b"Psomething\n.",
        b"\x82\x01.",
        b"N.cposix\nsystem\n(S'touch canary'\ntR.",
    ],
)
def test_pickles_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: bytes) -> None:
    monkeypatch.chdir(tmp_path)
    refused(tmp_path, zlib.compress(code))
    refused(tmp_path, code)
    refused(tmp_path, zlib.compress(pickle.dumps(1)) + zlib.compress(code))


def test_hostile_states_of_allowed_classes(tmp_path: Path) -> None:
    forest = dump_model(fitted("random-forest"), CARD)
    raw = zlib.decompress(forest)
    changed = raw.replace(b"\x01\0\0\0\0\0\0\0", b"\xff\xe0\xf5\x05\0\0\0\0")  # node 1 is 1e8
    assert changed != raw
    assert "do not fit together" in refused(tmp_path, zlib.compress(changed))
    content = model()
    content["pipeline"].__dict__["predict"] = 3
    assert "with 'predict'" in refused(tmp_path, packed(content))


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = zlib.compressobj()
    head = b"\x80\x04\x8e" + (2**28).to_bytes(8, "little")
    content = bomb.compress(head) + b"".join(bomb.compress(bytes(2**20)) for _ in range(256))
    assert "too large" in refused(tmp_path, content + bomb.compress(b".") + bomb.flush())


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    whole = dump_model(fitted(), CARD)
    for place in range(0, len(whole), 97):
        flipped = bytearray(whole)
        flipped[place] ^= 4
        refused(tmp_path, bytes(flipped))


def test_trust_is_of_one_file(tmp_path: Path) -> None:
    path, canary = tmp_path / "m.joblib", tmp_path / "canary"
    path.write_bytes(packed({**model(), "more": Hostile(canary)}))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(ArtifactError, match="--trust names another file"):
        load_model_file(path, "sha256:" + "0" * 64)
    with pytest.raises(UsageError, match="64 hexadecimal digits"):
        load_model_file(path, digest)
    assert not canary.exists()
    load_model_file(path, f"sha256:{digest}")
    assert canary.exists()
