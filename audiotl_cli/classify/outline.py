"""What a pickle would make, told without making it: no name in it is ever looked up."""

from __future__ import annotations

import io
import math
import pickle
import zlib
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

import numpy as np

Name = tuple[str, str]
"""A module and a name in it."""

ARRAY: Name = ("joblib.numpy_pickle", "NumpyArrayWrapper")
DTYPE: Name = ("numpy", "dtype")
NDARRAY: Name = ("numpy", "ndarray")
PIPELINE: Name = ("sklearn.pipeline", "Pipeline")

_PIECE = 64 * 1024  # of a file, unpacked at once
_ALIGNMENT = 16  # of arrays within the file, in bytes
NUMBERS = {"b1", *(f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)), "f2", "f4", "f8"}
_SPARE, _RATIO = 64 * 1024**2, 64
"""A model may unpack to 64 MiB and 64 times its file: forests, which shrink most of all, were
found to shrink to a sixth; nothing but zeros shrinks to a thousandth."""


def most_bytes(n_packed: int) -> int:
    """Return how many bytes a file of so many may unpack to."""
    return _SPARE + _RATIO * n_packed


class NotAnOutlineError(Exception):
    """The bytes are no pickle, or one that no model needs."""


@dataclass(eq=False)
class Made:
    """Something a pickle would make.

    Parameters
    ----------
    what : object
        The `Name` it would call, or whatever stands in its place.
    args : object
        What it would call it with.
    how : str
        ``call``, ``new`` (an object that is not initialised), or ``odd``: in a way of which
        models make no use.
    state : object
        What it would be filled with; None for nothing.
    """

    what: object
    args: Any
    how: str
    state: Any = None
    filled: bool = False

    def __setitem__(self, key: object, value: object) -> None:
        self.how = "odd"

    def append(self, item: object) -> None:
        """Be something else than an object with a state."""
        self.how = "odd"


@dataclass(frozen=True)
class Global:
    """A name as a value of its own."""

    name: Name


@dataclass
class Outline:
    """What was found in a pickle.

    Parameters
    ----------
    names : list of Name
        All that it would look up, in its order.
    content : object
        Dictionaries, lists, numbers, text, arrays, and `Made` for everything else.
    versions : set of str
        Of scikit-learn, that its objects say they were made with.
    problem : str
        Why it could not be read to its end; empty if it could.
    """

    names: list[Name] = field(default_factory=list)
    content: Any = None
    versions: set[str] = field(default_factory=set)
    problem: str = ""


def outline(packed: bytes) -> Outline:
    """Tell what a model file would make; whatever is in it, nothing of it runs."""
    found = Outline()
    try:
        with unpacked(packed) as stream:
            found.content = _Reader(stream, found).load()
            if stream.read(1):
                raise NotAnOutlineError("more follows after its end")
    except Exception as error:  # damaged bytes fail in any way
        found.problem = (str(error).splitlines() or [""])[0] or repr(error)
    return found


def unpacked(packed: bytes) -> io.BufferedReader:
    """Return a stream of what is compressed in a file, that fails where it is far too much."""
    return io.BufferedReader(_Unpacked(packed), 1024**2)


class _Unpacked(io.RawIOBase):
    def __init__(self, packed: bytes) -> None:
        self._inflate = zlib.decompressobj()
        self._packed = io.BytesIO(packed)
        self._left = most_bytes(len(packed))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = b""
        while not data:
            piece = self._inflate.unconsumed_tail or self._packed.read(_PIECE)
            if not piece or self._inflate.unused_data:
                break
            data = self._inflate.decompress(piece, len(buffer))
        if self._inflate.unused_data or (self._inflate.eof and self._packed.read(1)):
            raise NotAnOutlineError("more follows after its end")
        self._left -= len(data)
        if self._left < 0:
            raise NotAnOutlineError("too large: it unpacks to more than 64 times its size")
        buffer[: len(data)] = data
        return len(data)


class _Reader(pickle._Unpickler):
    """Goes through a pickle as the library does, and puts `Made` where it would run anything."""

    dispatch: ClassVar[dict[int, Any]] = dict(pickle._Unpickler.dispatch)

    def __init__(self, stream: Any, found: Outline) -> None:
        super().__init__(stream)
        self._stream = stream
        self._found = found

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._found.names:
            self._found.names.append((module, name))
        return Global((module, name))

    def get_extension(self, code: int) -> None:
        raise NotAnOutlineError("it names things by number")

    def _instantiate(self, klass: Any, args: Any) -> None:
        self.append(Made(_what(klass), args, "odd"))  # type: ignore[attr-defined]

    def _reduce(self) -> None:
        args = self.stack.pop()  # type: ignore[attr-defined]
        self.stack[-1] = Made(_what(self.stack[-1]), args, "call")  # type: ignore[attr-defined]

    def _newobj(self) -> None:
        args = self.stack.pop()  # type: ignore[attr-defined]
        self.stack[-1] = Made(_what(self.stack[-1]), args, "new")  # type: ignore[attr-defined]

    def _newobj_ex(self) -> None:
        named, args = self.stack.pop(), self.stack.pop()  # type: ignore[attr-defined]
        what = _what(self.stack[-1])  # type: ignore[attr-defined]
        self.stack[-1] = Made(what, (args, named), "odd")  # type: ignore[attr-defined]

    def _build(self) -> None:
        state = self.stack.pop()  # type: ignore[attr-defined]
        made = self.stack[-1]  # type: ignore[attr-defined]
        if not isinstance(made, Made):
            raise NotAnOutlineError("it fills what is no object")
        if made.filled:
            made.how = "odd"
        made.state, made.filled = state, True
        if isinstance(state, dict) and isinstance(state.get("_sklearn_version"), str):
            self._found.versions.add(state["_sklearn_version"])
        if made.what == ARRAY:
            self.stack[-1] = self._array(made)  # type: ignore[attr-defined]

    def _array(self, made: Made) -> Any:
        keys = {"subclass", "shape", "order", "dtype", "allow_mmap", "numpy_array_alignment_bytes"}
        state = made.state
        plain = made.how == "new" and made.args == () and isinstance(state, dict)
        if not plain or state.keys() != keys:
            raise NotAnOutlineError("an array is described in another way")
        if _holds_objects(state["dtype"]):
            _Reader(self._stream, self._found).load()
            raise NotAnOutlineError("an array of objects")
        dtype = read_dtype(state["dtype"])
        shape, order = state["shape"], state["order"]
        if (
            dtype is None
            or state["subclass"] != Global(NDARRAY)
            or type(shape) is not tuple
            or not all(type(n) is int and 0 <= n < 2**48 for n in shape)
            or order not in ("C", "F")
            or state["allow_mmap"] not in (False, True)
            or state["numpy_array_alignment_bytes"] != _ALIGNMENT
        ):
            raise NotAnOutlineError("an array is described in another way")
        self._stream.read(self._stream.read(1)[0])
        data = _read(self._stream, math.prod(shape) * dtype.itemsize)
        array = np.frombuffer(data, dtype)
        return array.reshape(shape[::-1]).T if order == "F" else array.reshape(shape)

    dispatch[pickle.REDUCE[0]] = _reduce
    dispatch[pickle.NEWOBJ[0]] = _newobj
    dispatch[pickle.NEWOBJ_EX[0]] = _newobj_ex
    dispatch[pickle.BUILD[0]] = _build


def _read(stream: Any, size: int) -> bytearray:
    """Read bytes; a header that claims more than there is takes no memory."""
    data = bytearray()
    while len(data) < size:
        piece = stream.read(min(size - len(data), 1024**2))
        if not piece:
            raise NotAnOutlineError(f"an array of {size} bytes has {len(data)}")
        data += piece
    return data


def _what(value: object) -> object:
    return value.name if isinstance(value, Global) else value


def _holds_objects(made: object) -> bool:
    return isinstance(made, Made) and isinstance(made.args, tuple) and "O8" in made.args[:1]


def read_dtype(made: object) -> np.dtype[Any] | None:
    """Return the type of numbers, or of a tree's nodes, that is meant; None for any other."""
    if not isinstance(made, Made) or (made.what, made.how) != (DTYPE, "call"):
        return None
    args, state = made.args, made.state
    if type(args) is not tuple or len(args) != 3 or args[1:] != (False, True):
        return None
    if type(state) is not tuple:
        return None
    if args[0] in NUMBERS:
        usual = [(3, mark, None, None, None, -1, -1, 0) for mark in "<|"]
        return np.dtype(args[0]) if state in usual else None
    if len(state) != 8 or not isinstance(state[4], dict):
        return None
    parts = {}
    for name, part in state[4].items():
        if type(part) is not tuple or len(part) != 2:
            return None
        parts[name] = (read_dtype(part[0]), part[1])
    for known in node_types():
        _, code, told = cast(tuple[Any, Any, Any], known.__reduce__())
        if args == code and (*state[:4], parts, *state[5:]) == told:
            return known
    return None


def node_types() -> list[np.dtype[Any]]:
    """Return the types of the records that trees are made of."""
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
    from sklearn.tree._tree import NODE_DTYPE

    return [NODE_DTYPE, PREDICTOR_RECORD_DTYPE]
