"""skops files that would run code, or fill the memory: none does."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import sklearn
import sklearn.base

from audiotl_cli.classify.artifact import dump_model, load_model_file
from audiotl_cli.classify.exported.skops import dump_skops
from audiotl_cli.errors import ArtifactError
from tests.classify.problems import made_clips
from tests.classify.test_artifact import CARD, fitted
from tests.classify.test_loading import Hostile

Change = Callable[[dict[str, Any]], None]


def rewritten(packed: bytes, change: Change) -> bytes:
    """Return a skops file with another description and other parts."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        parts: dict[str, Any] = {name: archive.read(name) for name in archive.namelist()}
    parts["schema.json"] = json.loads(parts["schema.json"])
    change(parts)
    parts["schema.json"] = json.dumps(parts["schema.json"])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def refused(tmp_path: Path, content: bytes, name: str = "m.skops") -> str:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ArtifactError) as caught:
        load_model_file(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def pipeline_of(parts: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = parts["schema.json"]["content"]["pipeline"]
    return found


@pytest.mark.parametrize(
    "node",
    [
        {"__class__": "canary", "__module__": "canary_module", "__loader__": "ObjectNode"},
        {"__class__": "canary", "__module__": "canary_module", "__loader__": "TypeNode"},
        {"__class__": "canary", "__module__": "canary_module", "__loader__": "FunctionNode"},
        {"__class__": "canary", "__module__": "canary_module", "__loader__": "DictNode"},
        {"__class__": "canary", "__module__": "canary_module", "__loader__": "LossNode"},
        {"__class__": "canary", "__module__": "canary_module", "__loader__": "TreeNode"},
        {"__class__": "canary", "__module__": "canary_module", "__loader__": "NdArrayNode"},
    ],
)
def test_a_swapped_name_is_refused_before_it_is_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, node: dict[str, Any]
) -> None:
    (tmp_path / "canary_module.py").write_text("open('canary', 'w')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)

    def change(parts: dict[str, Any]) -> None:
        nothing = {"__loader__": "JsonNode", "content": "null"}
        empty = {
            "__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode", "content": []
        }  # fmt: skip
        more = {"content": nothing, "__reduce__": {"args": empty}, "type": "numpy", "file": "1.npy"}
        if node["__loader__"] == "LossNode":
            more["content"] = empty
        np.save(buffer := io.BytesIO(), np.float64(1))
        parts["1.npy"] = buffer.getvalue()
        if node["__loader__"] == "DictNode":
            more["content"] = {}
        parts["schema.json"]["content"]["more"] = {**node, **more}
        kinds = parts["schema.json"]["key_types"]["content"]
        kinds.append(kinds[0])

    message = refused(tmp_path, rewritten(dump_skops(fitted(), CARD), change))

    assert "canary_module.canary" in message
    assert "--trust sha256" not in message
    assert not (tmp_path / "canary").exists()
    assert "canary_module" not in sys.modules


@pytest.mark.parametrize(
    "loader", ["MethodNode", "PartialNode", "OperatorFuncNode", "ConstructorFromReduceNode", "x"]
)
def test_other_kinds_of_parts_are_refused(tmp_path: Path, loader: str) -> None:
    def change(parts: dict[str, Any]) -> None:
        pipeline_of(parts)["__loader__"] = loader

    assert loader in refused(tmp_path, rewritten(dump_skops(fitted(), CARD), change))


def test_an_unlisted_class_of_scikit_learn_is_refused(tmp_path: Path) -> None:
    def change(parts: dict[str, Any]) -> None:
        pipeline_of(parts)["__class__"] = "FeatureUnion"

    message = refused(tmp_path, rewritten(dump_skops(fitted(), CARD), change))
    assert "sklearn.pipeline.FeatureUnion, which no model made by audiotl holds" in message


def test_a_corrupt_one_beside_a_joblib_is_no_reason_to_load_that(tmp_path: Path) -> None:
    (tmp_path / "m.joblib").write_bytes(dump_model(fitted(), CARD))
    joblib.dump(Hostile(tmp_path / "canary"), tmp_path / "n.joblib")
    whole = dump_skops(fitted(), CARD)
    for name in ("m.skops", "n.skops"):
        assert "is not a model saved by audiotl" in refused(tmp_path, whole[:-300], name)
        pickled = (tmp_path / name).with_suffix(".joblib").read_bytes()
        assert "is not a model saved by audiotl (File is not a zip" in refused(
            tmp_path, pickled, name
        )
    assert not (tmp_path / "canary").exists()


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("1.npy", "w", force_zip64=True) as part:
            for _ in range(256):
                part.write(bytes(2**20))
        archive.writestr("schema.json", "{}")
    assert len(buffer.getvalue()) < 2**20
    assert "too large: it unpacks to more than 64 times" in refused(tmp_path, buffer.getvalue())


@pytest.mark.parametrize(
    ("dtype", "shape", "message"),
    [
        ("<f8", (2**40,), "has 8"),
        ("<f8", (-1,), "has 8"),
        ("|O", (1,), "objects"),
        ("<U9", (1,), "objects"),
    ],
)
def test_arrays_that_claim_something_else(
    tmp_path: Path, dtype: str, shape: tuple[int, ...], message: str
) -> None:
    header = io.BytesIO()
    described = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, described)

    def change(parts: dict[str, Any]) -> None:
        for name in [name for name in parts if name.endswith(".npy")]:
            parts[name] = header.getvalue() + bytes(8)

    assert message in refused(tmp_path, rewritten(dump_skops(fitted(), CARD), change))


def test_two_parts_of_one_name(tmp_path: Path) -> None:
    buffer = io.BytesIO(dump_skops(fitted(), CARD))
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("schema.json", "{}")
    assert "have the same name" in refused(tmp_path, buffer.getvalue())


def test_other_version_of_scikit_learn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sklearn.base, "__version__", "0.1.2")
        content = dump_skops(fitted(), CARD)
    assert refused(tmp_path, content).endswith(
        f"was made with scikit-learn 0.1.2, this is {sklearn.__version__}: "
        "train it again, or install that version"
    )


def test_damage_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    model = fitted()
    whole = dump_skops(model, CARD)
    clips, _ = made_clips(4, seed=9)
    path = tmp_path / "m.skops"
    n_refused = 0
    for place in range(0, len(whole), 211):
        flipped = bytearray(whole)
        flipped[place] ^= 4
        path.write_bytes(flipped)
        try:
            found, _ = load_model_file(path)
        except ArtifactError:
            n_refused += 1
        else:  # a date, or the like
            np.testing.assert_array_equal(found.scores(clips), model.scores(clips))
    assert n_refused > 0.5 * len(whole) / 211
