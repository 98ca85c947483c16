"""Read pickles that contain only plain values and numeric arrays, as joblib writes them.

A pickle is a program for a stack machine. This machine has only the instructions that `joblib.dump`
needs for dictionaries, lists, texts, numbers and arrays. It imports nothing: it knows three names
by their text, which describe an array. Everything is bounded: sizes are checked against the file
before memory is allocated, containers cannot be referred to twice, and instructions are counted.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_STEPS = 1_000_000
MOST_CHARACTERS = 20_000_000
LONGEST_TEXT = 1_000_000
LONGEST_KEY = 200
DEEPEST = 16
TYPES = frozenset({"f4", "f8", "i4", "i8", "u8"})

_WRAPPER = ("joblib.numpy_pickle", "NumpyArrayWrapper")
_NDARRAY = ("numpy", "ndarray")
_DTYPE = ("numpy", "dtype")
_DTYPE_STATE = (3, "<", None, None, None, -1, -1, 0)
_ALIGNMENT = 16


class NotPlainError(Exception):
    """The bytes are not a pickle of plain values and arrays; the message says what was found."""


@dataclass(frozen=True)
class _Name:
    """A name that is known by its text."""

    path: tuple[str, str]


@dataclass(frozen=True)
class _Type:
    """The type of an array's numbers."""

    code: str


class _Wrapper:
    """An array whose description follows."""


_MARK = object()
_SHAREABLE = (str, _Name, _Type)


def read_plain(packed: bytes) -> Any:
    """Return the value that was pickled; its arrays are read-only views of the bytes.

    Raises
    ------
    NotPlainError
        It holds other objects, is damaged, or exceeds a limit.
    """
    try:
        value = _Machine(packed).run()
        _check_plain(value, DEEPEST)
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise NotPlainError("it is damaged or cut short") from error
    return value


class _Machine:
    def __init__(self, packed: bytes) -> None:
        self.packed = packed
        self.place = 0
        self.stack: list[Any] = []
        self.memo: list[Any] = []
        self.n_characters = 0

    def run(self) -> Any:
        for _ in range(MOST_STEPS):
            code = self.take(1)
            if code == b".":
                value = self.stack.pop()
                if self.stack or self.place != len(self.packed):
                    raise NotPlainError("it has data after its end")
                return value
            step = _STEPS.get(code)
            if step is None:
                raise NotPlainError(
                    f"it holds the pickle instruction {code!r}, which models do not contain"
                )
            step(self)
        raise NotPlainError(f"it has more than {MOST_STEPS} pickle instructions")

    def take(self, n: int) -> bytes:
        """Return the next bytes."""
        end = self.place + n
        if end > len(self.packed):
            raise NotPlainError("it is cut short")
        taken = self.packed[self.place : end]
        self.place = end
        return taken

    def number(self, form: str) -> Any:
        """Return the next number, of a form of `struct`."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self.stack.append(value)

    def push_tuple(self, values: list[Any]) -> None:
        """Put a tuple on the stack: those of arrays are flat, and deep ones cannot be shown."""
        if not all(value is None or type(value) in (bool, int, str) for value in values):
            raise NotPlainError("it has a tuple of something else than numbers and texts")
        self.push(tuple(values))

    def pop_to_mark(self) -> list[Any]:
        """Pop everything above the last mark from the stack."""
        place = len(self.stack) - 1
        while self.stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise IndexError
        taken = self.stack[place + 1 :]
        del self.stack[place:]
        return taken

    def text(self, n: int) -> None:
        if n > LONGEST_TEXT:
            raise NotPlainError(f"it has a text of {n} bytes, expected {LONGEST_TEXT} at most")
        text = self.take(n).decode("utf-8", "surrogatepass")
        self.count(text)
        self.push(text)

    def count(self, value: Any) -> None:
        """Count the characters of all texts, including repeated references."""
        self.n_characters += len(value) if isinstance(value, str) else 0
        if self.n_characters > MOST_CHARACTERS:
            raise NotPlainError(f"its texts have more than {MOST_CHARACTERS} characters")

    def remember(self) -> None:
        value = self.stack[-1]
        self.memo.append(value if isinstance(value, _SHAREABLE) else None)

    def recall(self, place: int) -> None:
        value = self.memo[place]
        if value is None:
            raise NotPlainError("it refers to the same container twice")
        self.count(value)
        self.push(value)

    def extend_list(self, values: list[Any]) -> None:
        found = self.stack[-1]
        if type(found) is not list:
            raise NotPlainError("it appends to a value that is not a list")
        found.extend(values)

    def extend_dict(self, flat: list[Any]) -> None:
        found = self.stack[-1]
        if type(found) is not dict or len(flat) % 2:
            raise NotPlainError("it adds keys to a value that is not a dictionary")
        for key, value in zip(flat[::2], flat[1::2], strict=True):
            if type(key) is not str or len(key) > LONGEST_KEY or key in found:
                raise NotPlainError("it has a key that is not text, too long or repeated")
            found[key] = value

    def name(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if type(name) is not str or type(module) is not str:
            raise NotPlainError("it holds a name that is no text")
        if (module, name) not in (_WRAPPER, _NDARRAY, _DTYPE):
            shown = ascii(f"{module}.{name}")[1:-1][:100]
            raise NotPlainError(f"it holds the name {shown}, which models do not contain")
        self.push(_Name((module, name)))

    def new(self) -> None:
        arguments, kind = self.stack.pop(), self.stack.pop()
        if not (_same(kind, _Name(_WRAPPER)) and _same(arguments, ())):
            raise NotPlainError("it creates an object that is not an array")
        self.push(_Wrapper())

    def call(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if not _same(function, _Name(_DTYPE)) or type(arguments) is not tuple or not arguments:
            raise NotPlainError("it calls a function")
        code = arguments[0]
        if type(code) is not str or code not in TYPES or not _same(arguments, (code, False, True)):
            raise NotPlainError(f"it has numbers of the type {ascii(code)[:40]}")
        self.push(_Type(code))

    def build(self) -> None:
        state, thing = self.stack.pop(), self.stack.pop()
        if isinstance(thing, _Type):
            if not _same(state, _DTYPE_STATE):
                raise NotPlainError("it has numbers in an unusual order")
            self.push(thing)
        elif isinstance(thing, _Wrapper) and type(state) is dict:
            self.push(self.array(state))
        else:
            raise NotPlainError("it modifies an object after creating it")

    def array(self, state: dict[str, Any]) -> np.ndarray[Any, Any]:
        """Return the array whose numbers come next."""
        shape, kind = state.pop("shape", None), state.pop("dtype", None)
        rest = {
            "subclass": _Name(_NDARRAY),
            "order": "C",
            "allow_mmap": True,
            "numpy_array_alignment_bytes": _ALIGNMENT,
        }
        usual = type(shape) is tuple and 1 <= len(shape) <= 2 and isinstance(kind, _Type)
        if not usual or not _same(state, rest):
            raise NotPlainError("it has an array that is described in an unusual way")
        dtype = np.dtype(f"<{kind.code}")
        if not all(type(n) is int and 0 < n < 2**48 for n in shape):
            raise NotPlainError(f"it has an array of the shape {ascii(shape)[:60]}")
        self.take(self.number("<B"))  # up to where numbers are aligned
        n = math.prod(shape)
        if n * dtype.itemsize > len(self.packed) - self.place:
            raise NotPlainError(f"it has an array of {n} numbers, more than the file holds")
        array = np.frombuffer(self.packed, dtype, n, self.place).reshape(shape)
        self.place += array.nbytes
        return array


def _same(value: Any, expected: Any) -> bool:
    """Return whether values are equal; unlike ``==``, also of arrays, and True is not 1."""
    if type(value) is not type(expected):
        return False
    if isinstance(expected, dict):
        return value.keys() == expected.keys() and all(
            _same(value[key], expected[key]) for key in expected
        )
    if isinstance(expected, tuple):
        return len(value) == len(expected) and all(map(_same, value, expected))
    return bool(value == expected)


def _long(machine: _Machine) -> None:
    n = machine.number("<B")
    if n > 9:
        raise NotPlainError(f"it has a number of {n} bytes")
    machine.push(int.from_bytes(machine.take(n), "little", signed=True))


def _real(machine: _Machine) -> None:
    value = machine.number(">d")
    if not math.isfinite(value):
        raise NotPlainError(f"it has the number {value}, expected a finite number")
    machine.push(value)


def _proto(machine: _Machine) -> None:
    if machine.place != 1 or machine.number("<B") not in (4, 5):
        raise NotPlainError("it uses another pickle protocol")


def _tuple(machine: _Machine, n: int) -> None:
    values = machine.stack[-n:]
    if len(values) < n:
        raise IndexError
    del machine.stack[-n:]
    machine.push_tuple(values)


def _pair(machine: _Machine) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    machine.extend_dict([key, value])


_STEPS = {
    b"\x80": _proto,
    b"\x95": lambda machine: machine.take(8),  # the length of a frame is not needed
    b"(": lambda machine: machine.push(_MARK),
    b"}": lambda machine: machine.push({}),
    b"]": lambda machine: machine.push([]),
    b")": lambda machine: machine.push(()),
    b"N": lambda machine: machine.push(None),
    b"\x88": lambda machine: machine.push(True),
    b"\x89": lambda machine: machine.push(False),
    b"K": lambda machine: machine.push(machine.number("<B")),
    b"M": lambda machine: machine.push(machine.number("<H")),
    b"J": lambda machine: machine.push(machine.number("<i")),
    b"\x8a": _long,
    b"G": _real,
    b"\x8c": lambda machine: machine.text(machine.number("<B")),
    b"X": lambda machine: machine.text(machine.number("<I")),
    b"\x94": _Machine.remember,
    b"h": lambda machine: machine.recall(machine.number("<B")),
    b"j": lambda machine: machine.recall(machine.number("<I")),
    b"\x85": lambda machine: _tuple(machine, 1),
    b"\x86": lambda machine: _tuple(machine, 2),
    b"\x87": lambda machine: _tuple(machine, 3),
    b"t": lambda machine: machine.push_tuple(machine.pop_to_mark()),
    b"a": lambda machine: machine.extend_list([machine.stack.pop()]),
    b"e": lambda machine: machine.extend_list(machine.pop_to_mark()),
    b"s": _pair,
    b"u": lambda machine: machine.extend_dict(machine.pop_to_mark()),
    b"\x93": _Machine.name,
    b"\x81": _Machine.new,
    b"R": _Machine.call,
    b"b": _Machine.build,
}


def _check_plain(value: Any, depth: int) -> None:
    """Check that only dictionaries, lists, texts, numbers and arrays remain."""
    if type(value) in (dict, list):
        if not depth:
            raise NotPlainError(f"it is more than {DEEPEST} containers deep")
        for part in value.values() if type(value) is dict else value:
            _check_plain(part, depth - 1)
    elif not (value is None or type(value) in (bool, int, float, str, np.ndarray)):
        raise NotPlainError("it holds objects other than plain values and arrays")
