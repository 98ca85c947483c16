"""Read networks from TFLite files: their operators, and the constants these take.

A TFLite file is a FlatBuffer. The numbers of fields are those of TensorFlow's ``schema.fbs``, and
every place that the file names is checked to lie within it.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.errors import WeightsError
from audiotl_cli.files import read_regular

_DTYPES: dict[int, np.dtype[Any]] = {
    0: np.dtype("<f4"),
    1: np.dtype("<f2"),
    2: np.dtype("<i4"),
    4: np.dtype("<i8"),
}
_NAMES = {
    0: "float32",
    1: "float16",
    2: "int32",
    3: "uint8",
    4: "int64",
    5: "string",
    6: "bool",
    7: "int16",
    8: "complex64",
    9: "int8",
    10: "float64",
}
DEQUANTIZE = 6
MAX_RANK = 8
CUSTOM = 32
"""The code of operators that are in no runtime, but in a library."""


class Table:
    """A table of a FlatBuffer, whose fields are found by their numbers."""

    def __init__(self, data: memoryview, place: int) -> None:
        self._data, self._place = data, place
        self._fields = place - self._read("<i", place)

    def number(self, field: int, kind: str, default: float = 0) -> Any:
        """Return a number of a kind of `struct`, such as ``"i"``."""
        place = self._find(field)
        return self._read(f"<{kind}", place) if place else default

    def numbers(self, field: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Return a vector of numbers."""
        start, length = self._vector(field)
        return np.frombuffer(self._data, dtype, length, start) if length else np.empty(0, dtype)

    def text(self, field: int) -> str:
        """Return text; bytes that are none are replaced."""
        return self.numbers(field, np.uint8).tobytes().decode(errors="replace")

    def table(self, field: int) -> Table | None:
        """Return a table within this one."""
        place = self._find(field)
        return Table(self._data, place + self._read("<I", place)) if place else None

    def tables(self, field: int) -> list[Table]:
        """Return a vector of tables."""
        start, length = self._vector(field)
        places = range(start, start + 4 * min(length, len(self._data)), 4)
        return [Table(self._data, place + self._read("<I", place)) for place in places]

    def _find(self, field: int) -> int:
        """Return the place of a field, or 0 if the table does not have it."""
        entry = 4 + 2 * field
        if entry + 2 > self._read("<H", self._fields):
            return 0
        distance = self._read("<H", self._fields + entry)
        return self._place + distance if distance else 0

    def _vector(self, field: int) -> tuple[int, int]:
        place = self._find(field)
        if not place:
            return 0, 0
        start = place + self._read("<I", place)
        return start + 4, self._read("<I", start)

    def _read(self, kind: str, place: int) -> Any:
        if not 0 <= place <= len(self._data) - struct.calcsize(kind):
            raise ValueError("a value lies outside the file")
        return struct.unpack_from(kind, self._data, place)[0]


@dataclass(frozen=True)
class Tensor:
    """A tensor: its shape, and its values if these are in the file.

    In `signature`, lengths that may vary are -1.
    """

    shape: tuple[int, ...]
    values: npt.NDArray[Any] | None
    name: str = ""
    dtype: str = ""
    signature: tuple[int, ...] = ()


@dataclass(frozen=True)
class Operator:
    """An operator: its code in the schema, the numbers of its tensors, and its options.

    Operators of the code `CUSTOM` have a name.
    """

    code: int
    inputs: list[int]
    outputs: list[int]
    options: Table | None
    name: str = ""

    def option(self, field: int, kind: str, default: float = 0) -> Any:
        """Return an option by the number of its field."""
        return self.options.number(field, kind, default) if self.options else default


@dataclass(frozen=True)
class TfliteModel:
    """The first subgraph of a file; operators are in the order in which they run."""

    tensors: list[Tensor]
    operators: list[Operator]
    inputs: list[int]
    outputs: list[int]

    def constant(self, number: int) -> npt.NDArray[Any]:
        """Return the values of a constant; ValueError for any other tensor."""
        values = self.tensors[number].values
        if values is None:
            raise ValueError(f"tensor {number} is no constant")
        return values


def read_tflite(path: Path) -> TfliteModel:
    """Read the network of a TFLite file.

    Raises
    ------
    WeightsError
        The file is no TFLite file, or is damaged.
    """
    try:
        return parse_tflite(read_regular(path))
    except ValueError as error:
        raise WeightsError(f"{path} is not a TFLite file that can be read ({error})") from error


def parse_tflite(data: bytes) -> TfliteModel:
    """Return the network in a TFLite file; ValueError if it is none, or is damaged."""
    content = memoryview(data)
    if content[4:8].tobytes() != b"TFL3":
        raise ValueError("it does not begin as a TFLite file does")
    try:
        return _model(Table(content, int.from_bytes(content[:4], "little")))
    except LookupError as error:
        raise ValueError(str(error)) from error


def _model(root: Table) -> TfliteModel:
    # codes above 127 do not fit into the older of the two fields
    codes = [max(table.number(0, "b"), table.number(3, "i")) for table in root.tables(1)]
    names = [table.text(1) for table in root.tables(1)]
    subgraph, buffers = root.tables(2)[0], root.tables(4)
    tensors = [_tensor(table, buffers) for table in subgraph.tables(0)]
    operators = [
        Operator(
            codes[table.number(0, "I")],
            _numbered(table, 1, tensors),
            _numbered(table, 2, tensors),
            table.table(4),
            names[table.number(0, "I")],
        )
        for table in subgraph.tables(3)
    ]
    inputs, outputs = (_numbered(subgraph, field, tensors) for field in (1, 2))
    return TfliteModel(tensors, _widened(operators, tensors), inputs, outputs)


def _widened(operators: list[Operator], tensors: list[Tensor]) -> list[Operator]:
    """Store constants in half precision as single precision, and leave out what does so."""
    left = []
    for operator in operators:
        values = tensors[operator.inputs[0]].values if operator.inputs else None
        if operator.code != DEQUANTIZE or values is None or values.dtype != np.float16:
            left.append(operator)
            continue
        for number in operator.outputs:
            tensors[number] = Tensor(values.shape, values.astype(np.float32))
    return left


def _numbered(table: Table, field: int, tensors: list[Tensor]) -> list[int]:
    """Return numbers of tensors; -1 is one that is left out."""
    found: list[int] = table.numbers(field, "<i4").tolist()
    if any(not -1 <= number < len(tensors) for number in found):
        raise ValueError("an operator names a tensor that is not there")
    return found


def _tensor(table: Table, buffers: list[Table]) -> Tensor:
    shape = tuple(table.numbers(0, "<i4").tolist())
    content = buffers[table.number(2, "I")].numbers(0, np.uint8)
    kind = table.number(1, "b")
    signature = tuple(table.numbers(7, "<i4").tolist()) or shape
    described = (table.text(3), _NAMES.get(kind, str(kind)), signature)
    dtype = _DTYPES.get(kind)
    if not len(content) or dtype is None:
        return Tensor(shape, None, *described)
    if len(shape) > MAX_RANK or math.prod(shape) * dtype.itemsize != len(content):
        raise ValueError(f"a constant of the shape {shape} has {len(content)} bytes")
    return Tensor(shape, content.view(dtype).reshape(shape), *described)
