"""Models as skops has them: a zip of a description and of arrays.

The description is read into the same outline as a pickle, and judged the same; from what was
judged, and nothing else, the objects are made. So skops itself is not needed to load one, and
no list of what to trust is ever taken from the file.
"""

from __future__ import annotations

import importlib
import io
import json
import math
import zipfile
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from audiotl_cli.classify.outline import (
    NUMBERS,
    Global,
    Made,
    Name,
    NotAnOutlineError,
    Outline,
    most_bytes,
    node_types,
)

SUFFIX = ".skops"
_SCHEMA = "schema.json"
_MULTINOMIAL: Name = ("sklearn._loss._loss", "CyHalfMultinomialLoss")
_KEY_TYPES = {"str": str, "int": int, "float": float}
_HEADER = 10_000  # bytes that the description of an array may have


def outline_skops(packed: bytes) -> Outline:
    """Tell what a skops file would make; whatever is in it, nothing of it runs."""
    found = Outline()
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            _check_sizes(archive, len(packed))
            found.content = _Reader(archive, found).read()
    except Exception as error:  # damaged bytes fail in any way
        found.problem = (str(error).splitlines() or [""])[0] or repr(error)
    return found


def make(value: Any, made: dict[int, Any] | None = None) -> Any:
    """Make what was judged: only what `check` has let pass may be given."""
    made = {} if made is None else made
    if not isinstance(value, list | tuple | dict | Made):
        return value
    if id(value) not in made:
        made[id(value)] = _make(value, made)
    return made[id(value)]


def _make(value: Any, made: dict[int, Any]) -> Any:
    if isinstance(value, dict):
        return {key: make(one, made) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(make(one, made) for one in value)
    args = [make(one, made) for one in value.args if not isinstance(one, Global)]
    module, name = _MULTINOMIAL if value.what == _UNPICKLE_MULTINOMIAL else value.what
    kind = getattr(importlib.import_module(module), name)
    thing = kind.__new__(kind) if value.how == "new" else kind(*args)
    state = make(value.state, made)
    if hasattr(thing, "__setstate__") and value.filled:
        thing.__setstate__(state)
    elif value.filled:
        thing.__dict__.update(state)
    return thing


_UNPICKLE_MULTINOMIAL: Name = (_MULTINOMIAL[0], "__pyx_unpickle_CyHalfMultinomialLoss")


def _check_sizes(archive: zipfile.ZipFile, n_packed: int) -> None:
    members = archive.infolist()
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        raise NotAnOutlineError("two of its parts have the same name")
    if sum(member.file_size for member in members) > most_bytes(n_packed):
        raise NotAnOutlineError("too large: it unpacks to more than 64 times its size")


class _Reader:
    """Goes through a description, and puts `Made` where it would make anything."""

    def __init__(self, archive: zipfile.ZipFile, found: Outline) -> None:
        self._archive = archive
        self._found = found
        self._known: dict[int, Any] = {}
        self._loaders: dict[str, Callable[[dict[str, Any]], Any]] = {
            "DictNode": self._dict,
            "JsonNode": self._plain,
            "ListNode": lambda node: [self._value(one) for one in node["content"]],
            "LossNode": self._loss,
            "NdArrayNode": self._array,
            "ObjectNode": self._object,
            "TreeNode": self._tree,
            "TupleNode": lambda node: tuple(self._value(one) for one in node["content"]),
        }

    def read(self) -> Any:
        node = json.loads(self._archive.read(_SCHEMA))
        for key in ("protocol", "_skops_version"):
            node.pop(key)
        return self._value(node)

    def _value(self, node: dict[str, Any]) -> Any:
        number = node.get("__id__")
        if number in self._known:  # the same thing once more, as skops takes it
            return self._known[number]
        loader = node["__loader__"]
        if loader not in self._loaders:
            self._name(node)
            raise NotAnOutlineError(f"a part of another kind ({loader!r})"[:100])
        if loader in ("ListNode", "TupleNode", "DictNode"):
            kind = ("builtins", loader.removesuffix("Node").lower())
            if (node["__module__"], node["__class__"]) != kind:
                self._name(node)
                raise NotAnOutlineError(f"a {kind[1]} of another kind")
        value = self._loaders[loader](node)
        if number is not None:
            self._known[number] = value
        return value

    def _name(self, node: dict[str, Any]) -> Name:
        name = node["__module__"], node["__class__"]
        if not all(type(one) is str for one in name):
            raise NotAnOutlineError("a name that is no text")
        if name not in self._found.names:
            self._found.names.append(name)
        return name

    def _plain(self, node: dict[str, Any]) -> Any:
        value = json.loads(node["content"])
        if value is not None and type(value) not in (bool, int, float, str):
            raise NotAnOutlineError("a number that is none")
        return value

    def _dict(self, node: dict[str, Any]) -> dict[Any, Any]:
        kinds = [_KEY_TYPES[one["__class__"]] for one in node["key_types"]["content"]]
        pairs = zip(kinds, node["content"].items(), strict=True)
        return {kind(key): self._value(value) for kind, (key, value) in pairs}

    def _object(self, node: dict[str, Any]) -> Made:
        state = self._value(node["content"])
        if isinstance(state, dict) and isinstance(state.get("_sklearn_version"), str):
            self._found.versions.add(state["_sklearn_version"])
        return Made(self._name(node), (), "new", state, filled=state is not None)

    def _tree(self, node: dict[str, Any]) -> Made:
        args = self._value(node["__reduce__"]["args"])
        return Made(self._name(node), args, "call", self._value(node["content"]), filled=True)

    def _loss(self, node: dict[str, Any]) -> Made:
        name, args = self._name(node), self._value(node["__reduce__"]["args"])
        if self._value(node["content"]) not in ({}, ()):
            raise NotAnOutlineError("a loss in another form")
        if name == _MULTINOMIAL and args == ():
            return Made(_UNPICKLE_MULTINOMIAL, (Global(name),), "call")
        return Made(name, args, "call")

    def _array(self, node: dict[str, Any]) -> Any:
        if node["type"] != "numpy":
            raise NotAnOutlineError("an array of objects")
        name = node["__module__"], node["__class__"]
        array = _read_array(self._archive.read(node["file"]))
        if name == ("numpy", "ndarray"):
            return array
        if array.ndim or name != ("numpy", array.dtype.name):
            self._name(node)
            raise NotAnOutlineError("a number in another form")
        return array[()]


def _read_array(content: bytes) -> np.ndarray[Any, Any]:
    """Read an array; a header that claims more than there is takes no memory."""
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise NotAnOutlineError("an array is described in another way")
    shape, by_columns, dtype = np.lib.format.read_array_header_1_0(stream, _HEADER)
    known = next((one for one in node_types() if _alike(one, dtype)), None)
    if known is None and dtype.str[1:] not in NUMBERS:
        raise NotAnOutlineError("an array of objects")
    size = math.prod(shape) * dtype.itemsize
    if len(content) - stream.tell() != size or any(n < 0 for n in shape):
        raise NotAnOutlineError(f"an array of {size} bytes has {len(content) - stream.tell()}")
    array = np.frombuffer(bytearray(stream.read()), cast(Any, known or dtype))
    return array.reshape(shape[::-1]).T if by_columns else array.reshape(shape)


def _alike(one: np.dtype[Any], other: np.dtype[Any]) -> bool:
    """Return whether records have the same fields at the same places."""
    return one.itemsize == other.itemsize and one.fields == other.fields
