"""Write an ONNX graph, node by node.

Both networks and classifiers use it, so it is a top-level module. It uses only the file format
of the package ``onnx``.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from audiotl_cli.errors import UsageError

OPSET, TREES_OPSET, IR_VERSION = 18, 3, 9  # supported by runtimes since 2023
TREES = "ai.onnx.ml"

Value = Any
"""The name of a value in the graph, or an array that becomes a constant."""


class Graph:
    """A graph that is being written.

    Raises
    ------
    UsageError
        The package ``onnx`` is not installed.
    """

    def __init__(self) -> None:
        try:
            import onnx
        except ImportError as error:
            raise UsageError(
                "ONNX export needs the package onnx; install it with: pip install 'audiotl[export]'"
            ) from error
        self._onnx = onnx
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._numbers = itertools.count()

    def input(self, name: str, dtype: Any, shape: Sequence[int | str]) -> str:
        """Declare an input; a name in its shape stands for any length."""
        self._inputs.append(self._value(name, dtype, shape))
        return name

    def output(self, name: str, value: str, dtype: Any, shape: Sequence[int | str]) -> None:
        """Declare an output."""
        self._nodes.append(self._onnx.helper.make_node("Identity", [value], [name]))
        self._outputs.append(self._value(name, dtype, shape))

    def constant(self, values: Any) -> str:
        """Add a constant and return its name."""
        name = f"constant_{next(self._numbers)}"
        array = np.ascontiguousarray(values).reshape(np.shape(values))
        self._constants.append(self._onnx.numpy_helper.from_array(array, name))
        return name

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
        self._nodes.append(
            self._onnx.helper.make_node(operation, inputs, outputs, domain=domain, **attributes)
        )
        return outputs

    def cast(self, value: str, dtype: Any) -> str:
        """Convert to another type of numbers."""
        return self.add("Cast", value, to=self._type(dtype))

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
        helper = self._onnx.helper
        graph = helper.make_graph(
            self._nodes, "audiotl", self._inputs, self._outputs, self._constants
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(TREES, TREES_OPSET)]
        model = helper.make_model(
            graph, producer_name="audiotl", opset_imports=opsets, ir_version=IR_VERSION
        )
        helper.set_model_props(model, dict(metadata))
        packed: bytes = model.SerializeToString(deterministic=True)
        return packed

    def _value(self, name: str, dtype: Any, shape: Sequence[int | str]) -> Any:
        return self._onnx.helper.make_tensor_value_info(name, self._type(dtype), list(shape))

    def _type(self, dtype: Any) -> int:
        return int(self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
