"""Write a model as a skops file: what pickles are not needed for."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from audiotl_cli.classify.artifact import ModelCard, model_content
from audiotl_cli.classify.classifier import ClipClassifier
from audiotl_cli.errors import UsageError

ONLY_TO_LEARN = ("_random_state", "_feature_subsample_rng")
_EPOCH = (1980, 1, 1, 0, 0, 0)


def dump_skops(classifier: ClipClassifier, card: ModelCard) -> bytes:
    """Return the bytes of a skops file; the same model gives the same bytes.

    Random generators, which are only for learning more, are taken out of the classifier.

    Raises
    ------
    UsageError
        The package ``skops`` is not installed.
    """
    try:
        import skops.io
    except ImportError as error:
        raise UsageError(
            "writing a skops file needs the package skops: pip install 'audiotl[export]'"
        ) from error
    _forget(classifier.pipeline)
    return _numbered(skops.io.dumps(model_content(classifier, card)))


def _forget(value: Any) -> None:
    """Take out what is only for learning more."""
    if isinstance(value, list | tuple):
        for one in value:
            _forget(one)
    elif hasattr(value, "get_params"):
        for name in ONLY_TO_LEARN:
            vars(value).pop(name, None)
        for one in vars(value).values():
            _forget(one)


def _numbered(packed: bytes) -> bytes:
    """Give parts numbers by their order; skops numbers them by where they lay in memory."""
    numbers: dict[int, int] = {}

    def renumber(node: Any) -> Any:
        if isinstance(node, list):
            return [renumber(one) for one in node]
        if not isinstance(node, dict):
            return node
        fresh = {key: renumber(one) for key, one in node.items()}
        if type(node.get("__loader__")) is str and "__id__" in node:
            fresh["__id__"] = numbers.setdefault(node["__id__"], len(numbers) + 1)
            if "file" in node:
                fresh["file"] = files[node["file"]] = f"{fresh['__id__']}.npy"
        return fresh

    files: dict[str, str] = {}
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as old, zipfile.ZipFile(buffer, "w") as new:
        schema = renumber(json.loads(old.read("schema.json")))
        parts = {name: old.read(was) for was, name in files.items()}
        parts["schema.json"] = json.dumps(schema).encode()
        for name, content in parts.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, content)
    return buffer.getvalue()
