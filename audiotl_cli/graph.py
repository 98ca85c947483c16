"""Write an ONNX graph, node by node, into bytes that ONNX Runtime reads.

Both networks and classifiers use it, so it is a top-level module. The numbers of fields and types
are those of ``onnx.proto``; the package ``onnx`` is not needed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from audiotl_cli.protobuf import packed

LARGE = 1024
"""Values of a constant from which 8 bits are worth their scale."""

OPSET, TREES_OPSET, IR_VERSION = 18, 3, 9  # supported by runtimes since 2023
TREES = "ai.onnx.ml"

Value = Any
"""The name of a value in the graph, or an array that becomes a constant."""

_TYPES = {
    "float32": 1,
    "uint8": 2,
    "int8": 3,
    "int32": 6,
    "int64": 7,
    "str": 8,
    "bool": 9,
    "float16": 10,
    "float64": 11,
}
_FLOAT, _INT, _STRING, _TENSOR = 1, 2, 3, 4  # types of attributes
_LIST = 5  # the type of a list is greater by this


class Graph:
    """A graph that is being written.

    Parameters
    ----------
    quantise : bool
        Whether large constants that are added within `weights` are kept in 8 bits.
    """

    def __init__(self, *, quantise: bool = False) -> None:
        self._quantise = quantise
        self._in_weights = False
        self.n_in_8_bits = 0
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._inputs: list[bytes] = []
        self._outputs: list[bytes] = []
        self._numbers = itertools.count()

    def input(self, name: str, dtype: Any, shape: Sequence[int | str]) -> str:
        """Declare an input; a name in its shape stands for any length."""
        self._inputs.append(described(name, dtype, shape))
        return name

    def output(self, name: str, value: str, dtype: Any, shape: Sequence[int | str]) -> None:
        """Declare an output."""
        self._nodes.append(_node("Identity", [value], [name]))
        self._outputs.append(described(name, dtype, shape))

    def constant(self, values: Any) -> str:
        """Add a constant and return its name."""
        name = f"constant_{next(self._numbers)}"
        array = np.asarray(values)
        if self._in_weights and array.dtype == np.float32 and _is_large(array):
            return self._in_8_bits(name, array)
        self._constants.append(_tensor(name, array))
        return name

    @contextmanager
    def weights(self) -> Iterator[None]:
        """Add the weights of a network within, which may be quantised."""
        self._in_weights = self._quantise
        try:
            yield
        finally:
            self._in_weights = False

    def _in_8_bits(self, name: str, array: np.ndarray[Any, Any]) -> str:
        """Add a constant as whole numbers from -127 to 127, and the nodes that scale these.

        Runtimes compute constants once, so that the network is as fast as before.
        """
        self.n_in_8_bits += 1
        numbers, scale = _quantised(array)
        self._constants += [_tensor(name, numbers), _tensor(f"{name}_scale", scale)]
        return self.add("Mul", self.cast(name, np.float32), f"{name}_scale")

    def add(self, operation: str, *values: Value, domain: str = "", **attributes: Any) -> str:
        """Add a node and return the name of its first output."""
        return self.add_several(1, operation, *values, domain=domain, **attributes)[0]

    def add_several(
        self, n_outputs: int, operation: str, *values: Value, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Add a node and return the names of its outputs."""
        number = next(self._numbers)
        inputs = [value if isinstance(value, str) else self.constant(value) for value in values]
        outputs = [f"{operation}_{number}_{place}" for place in range(n_outputs)]
        self._nodes.append(_node(operation, inputs, outputs, domain, attributes))
        return outputs

    def cast(self, value: str, dtype: Any) -> str:
        """Convert to another type of numbers."""
        return self.add("Cast", value, to=_type(dtype))

    def reduce(self, how: str, value: str, *axes: int, keep: bool = True) -> str:
        """Take the ``Sum``, ``Mean``, ``Max`` or ``Min`` along axes."""
        return self.add(f"Reduce{how}", value, np.array(axes, np.int64), keepdims=int(keep))

    def reshape(self, value: str, *shape: int) -> str:
        """Reshape; 0 keeps a length, and -1 infers it."""
        return self.add("Reshape", value, np.array(shape, np.int64))

    def count(self, value: Value, how: str, other: Value) -> str:
        """Return 1.0 (float64) where a comparison holds, else 0.0."""
        return self.cast(self.add(how, value, other), np.float64)

    def one_hot(self, places: str, n: int) -> str:
        """Return rows of `n` zeros (float64), with a one at each row's place."""
        return self.cast(
            self.add("Equal", self.reshape(places, -1, 1), np.arange(n)[None]), np.float64
        )

    def model(self, metadata: Mapping[str, str]) -> bytes:
        """Return the file.

        Parameters
        ----------
        metadata : mapping
            Text that is kept in the file, by name.
        """
        graph = b"".join(
            [
                *(packed(1, node) for node in self._nodes),
                packed(2, "audiotl"),
                *(packed(5, tensor) for tensor in self._constants),
                *(packed(11, value) for value in self._inputs),
                *(packed(12, value) for value in self._outputs),
            ]
        )
        opsets = [packed(2, OPSET), packed(1, TREES) + packed(2, TREES_OPSET)]
        return b"".join(
            [
                packed(1, IR_VERSION),
                packed(2, "audiotl"),
                packed(7, graph),
                *(packed(8, opset) for opset in opsets),
                *(packed(14, packed(1, name) + packed(2, text)) for name, text in metadata.items()),
            ]
        )


def described(name: str, dtype: Any, shape: Sequence[int | str]) -> bytes:
    """Return the name, type and shape of a value, as inputs and outputs of a graph have them."""
    lengths = (packed(2 if isinstance(length, str) else 1, length) for length in shape)
    dimensions = b"".join(packed(1, length) for length in lengths)
    tensor = packed(1, _type(dtype)) + packed(2, dimensions)
    return packed(1, name) + packed(2, packed(1, tensor))


def _node(
    operation: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    domain: str = "",
    attributes: Mapping[str, Any] | None = None,
) -> bytes:
    return b"".join(
        [
            *(packed(1, name) for name in inputs),
            *(packed(2, name) for name in outputs),
            packed(4, operation),
            *(packed(5, _attribute(*item)) for item in (attributes or {}).items()),
            packed(7, domain),
        ]
    )


def _attribute(name: str, value: Any) -> bytes:
    """Return an attribute: a number, text, or a list of these; an array becomes a tensor."""
    if isinstance(value, np.ndarray):
        return packed(1, name) + packed(5, _tensor("", value)) + packed(20, _TENSOR)
    several = not isinstance(value, str | bytes) and np.ndim(value) > 0
    values = [_plain(part) for part in (value if several else [value])]
    if isinstance(values[0], str | bytes):
        kind, field = _STRING, 9
    elif any(isinstance(part, float) for part in values):
        kind, field = _FLOAT, 7
        values = [float(part) for part in values]
    else:
        kind, field = _INT, 8
    content = b"".join(packed(field if several else kind + 1, part) for part in values)
    return packed(1, name) + content + packed(20, kind + _LIST if several else kind)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _tensor(name: str, values: np.ndarray[Any, Any]) -> bytes:
    if values.dtype.kind == "U":
        content = b"".join(packed(6, text) for text in values.ravel().tolist())
    else:
        little = values.astype(values.dtype.newbyteorder("<"), copy=False)
        content = packed(9, little.tobytes())
    lengths = b"".join(packed(1, length) for length in values.shape)
    return lengths + packed(2, _type(values.dtype)) + content + packed(8, name)


def _is_large(array: np.ndarray[Any, Any]) -> bool:
    return array.ndim > 1 and array.size >= LARGE


def _quantised(array: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return whole numbers (int8) and their scale, one for each first or last index.

    Kernels of convolutions have their filters along the first axis, and matrices along the last;
    the one that leaves the smaller error is taken.
    """
    found = []
    for axis in (0, array.ndim - 1):
        others = tuple(i for i in range(array.ndim) if i != axis)
        largest = np.abs(array).max(axis=others, keepdims=True)
        scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
        numbers = np.rint(array / scale).astype(np.int8)
        found.append((float(np.abs(numbers * scale - array).sum()), axis, numbers, scale))
    _, _, numbers, scale = min(found, key=lambda item: item[:2])
    return numbers, scale


def _type(dtype: Any) -> int:
    kind = np.dtype(dtype)
    return _TYPES["str" if kind.kind == "U" else kind.name]


def open_session(model: bytes, n_threads: int = 0) -> Any:
    """Return an ONNX Runtime session of a model; 0 threads are as many as there are cores."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone
    options.intra_op_num_threads = n_threads
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
