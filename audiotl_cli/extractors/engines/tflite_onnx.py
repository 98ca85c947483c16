"""Write the operators of a TFLite file into an ONNX graph.

TFLite's maps are (n, height, width, channels), those of the graph (n, channels, height, width).
Only what convolutional networks in single precision consist of is known; anything else is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.extractors.engines.tflite_file import Operator, TfliteModel
from audiotl_cli.graph import Graph, Value

RESHAPE = 22
_AXES = (0, 2, 3, 1)  # where the axes of TFLite's maps are in those of the graph
_ACTIVATIONS = {1: "Relu"}
_ALL = np.iinfo(np.int64).max  # the end of a slice without one
_PADDINGS = ("SAME_UPPER", "VALID")


def convert(
    graph: Graph, model: TfliteModel, known: Mapping[int, str], wanted: Sequence[int]
) -> list[str]:
    """Write all operators that lie between some tensors and others.

    Parameters
    ----------
    known : mapping
        Tensors, by number, that the graph has.
    wanted : sequence of int
        The numbers of tensors.

    Returns
    -------
    values : list of str
        The wanted tensors.

    Raises
    ------
    ValueError
        The network needs something that cannot be converted.
    """
    needed, operators = set(wanted) - set(known), []
    for operator in reversed(model.operators):
        if needed.intersection(operator.outputs):
            operators.append(operator)
            needed |= set(_sources(operator)) - set(known)
    conversion = _Conversion(graph, model, dict(known))
    for operator in reversed(operators):
        conversion.add(operator)
    return [conversion.values[number] for number in wanted]


def _sources(operator: Operator) -> list[int]:
    """Return the inputs of an operator; the shape for a reshape is that of its output."""
    return operator.inputs[:1] if operator.code == RESHAPE else operator.inputs


class _Conversion:
    def __init__(self, graph: Graph, model: TfliteModel, values: dict[int, str]) -> None:
        self.graph = graph
        self.model = model
        self.values = values

    def add(self, operator: Operator) -> None:
        """Write an operator."""
        write = _WRITERS.get(operator.code)
        if write is None or len(operator.outputs) != 1:
            raise ValueError(f"the operator {operator.code} cannot be converted")
        self.values[operator.outputs[0]] = write(self, operator)

    def rank(self, number: int) -> int:
        return len(self.model.tensors[number].shape)

    def operand(self, number: int, rank: int) -> Value:
        """Return a tensor to be combined with maps or vectors of a rank."""
        if number in self.values:
            return self.values[number]
        constant = self.model.constant(number)
        if constant.ndim == 1 and rank == 4:
            return constant[:, None, None]
        if constant.ndim not in (0, 1):
            raise ValueError(f"a constant of {constant.ndim} dimensions cannot be converted")
        return constant

    def activated(self, value: str, activation: int) -> str:
        """Add the activation that is a part of an operator."""
        if activation == 0:
            return value
        if activation not in _ACTIVATIONS:
            raise ValueError(f"the activation {activation} cannot be converted")
        return self.graph.add(_ACTIVATIONS[activation], value)

    def convolution(self, operator: Operator) -> str:
        kernel = self.model.constant(operator.inputs[1]).transpose(0, 3, 1, 2)
        return self._convolve(operator, kernel, 1, operator.option(3, "b"), 4)

    def depthwise(self, operator: Operator) -> str:
        kernel = self.model.constant(operator.inputs[1]).transpose(3, 0, 1, 2)
        n_groups = self.model.tensors[operator.inputs[0]].shape[3]
        return self._convolve(operator, kernel, n_groups, operator.option(4, "b"), 5)

    def _convolve(
        self,
        operator: Operator,
        kernel: npt.NDArray[Any],
        n_groups: int,
        activation: int,
        dilation: int,
    ) -> str:
        maps = self.graph.add(
            "Conv",
            self.values[operator.inputs[0]],
            kernel,
            *(self.model.constant(number) for number in operator.inputs[2:]),
            auto_pad=_PADDINGS[operator.option(0, "b")],
            strides=[operator.option(2, "i"), operator.option(1, "i")],
            dilations=[operator.option(dilation + 1, "i", 1), operator.option(dilation, "i", 1)],
            group=n_groups,
        )
        return self.activated(maps, activation)

    def pool(self, operator: Operator, how: str) -> str:
        maps = self.graph.add(
            how,
            self.values[operator.inputs[0]],
            auto_pad=_PADDINGS[operator.option(0, "b")],
            strides=[operator.option(2, "i"), operator.option(1, "i")],
            kernel_shape=[operator.option(4, "i"), operator.option(3, "i")],
        )
        return self.activated(maps, operator.option(5, "b"))

    def combine(self, operator: Operator, how: str) -> str:
        rank = self.rank(operator.outputs[0])
        value = self.graph.add(how, *(self.operand(number, rank) for number in operator.inputs))
        return self.activated(value, operator.option(0, "b"))

    def concatenate(self, operator: Operator) -> str:
        axis = self._axis(operator.option(0, "i"), self.rank(operator.outputs[0]))
        values = [self.values[number] for number in operator.inputs]
        return self.activated(self.graph.add("Concat", *values, axis=axis), operator.option(1, "b"))

    def mean(self, operator: Operator) -> str:
        rank = self.rank(operator.inputs[0])
        axes = self.model.constant(operator.inputs[1]).ravel().tolist()
        numbers = [self._axis(axis, rank) for axis in axes]
        keep = bool(operator.option(0, "?"))
        if rank == 4 and not keep and sorted(numbers) != [2, 3]:
            raise ValueError("a mean over other axes than height and width cannot be converted")
        return self.graph.reduce("Mean", self.values[operator.inputs[0]], *numbers, keep=keep)

    def _axis(self, axis: int, rank: int) -> int:
        return _AXES[axis % rank] if rank == 4 else axis % rank

    def reshape(self, operator: Operator) -> str:
        """Turn vectors into maps of one place, or the other way round."""
        before = self.model.tensors[operator.inputs[0]].shape
        after = self.model.tensors[operator.outputs[0]].shape
        if any(len(shape) == 4 and shape[1:3] != (1, 1) for shape in (before, after)):
            raise ValueError(f"a reshape from {before} to {after} cannot be converted")
        places = (1, 1) if len(after) == 4 else ()
        return self.graph.reshape(self.values[operator.inputs[0]], 0, after[-1], *places)

    def pad(self, operator: Operator) -> str:
        pads = self.model.constant(operator.inputs[1]).astype(np.int64)
        if len(pads) == 4:
            pads = pads[[0, 3, 1, 2]]
        return self.graph.add("Pad", self.values[operator.inputs[0]], pads.T.reshape(-1))

    def dense(self, operator: Operator) -> str:
        kernel = self.model.constant(operator.inputs[1])
        biases = [self.model.constant(number) for number in operator.inputs[2:] if number >= 0]
        vectors = self.values[operator.inputs[0]]
        return self.activated(
            self.graph.add("Gemm", vectors, kernel, *biases, transB=1), operator.option(0, "b")
        )

    def cut(self, operator: Operator) -> str:
        """Take a slice of vectors."""
        begin, end, steps = (self.model.constant(n).tolist() for n in operator.inputs[1:])
        first, last, several, new, single = (operator.option(field, "i") for field in range(5))
        if self.rank(operator.inputs[0]) == 4 or several or new or min(steps) < 1:
            raise ValueError("a slice of maps, backwards or with new axes cannot be converted")
        axes = np.arange(len(begin))
        begin = [0 if first >> i & 1 else begin[i] for i in axes]
        end = [_ALL if last >> i & 1 else end[i] for i in axes]
        end = [begin[i] + 1 or _ALL if single >> i & 1 else end[i] for i in axes]
        parts = (np.array(part, np.int64) for part in (begin, end, axes, steps))
        value = self.graph.add("Slice", self.values[operator.inputs[0]], *parts)
        left_out = [i for i in axes if single >> i & 1]
        return self.graph.add("Squeeze", value, np.array(left_out)) if left_out else value

    def expand(self, operator: Operator) -> str:
        axis = self.model.constant(operator.inputs[1]).astype(np.int64).reshape(1)
        if self.rank(operator.outputs[0]) == 4:
            raise ValueError("a new axis of maps cannot be converted")
        return self.graph.add("Unsqueeze", self.values[operator.inputs[0]], axis)

    def choose(self, operator: Operator) -> str:
        rank = self.rank(operator.outputs[0])
        return self.graph.add("Where", *(self.operand(n, rank) for n in operator.inputs))

    def leaky(self, operator: Operator) -> str:
        alpha = float(operator.option(0, "f"))
        return self.graph.add("LeakyRelu", self.values[operator.inputs[0]], alpha=alpha)


_Writer = Callable[[_Conversion, Operator], str]


def _simple(operation: str) -> _Writer:
    return lambda conversion, operator: conversion.graph.add(
        operation, conversion.values[operator.inputs[0]]
    )


def _combined(operation: str) -> _Writer:
    return lambda conversion, operator: conversion.combine(operator, operation)


_WRITERS: dict[int, _Writer] = {
    0: _combined("Add"),
    1: lambda conversion, operator: conversion.pool(operator, "AveragePool"),
    2: _Conversion.concatenate,
    3: _Conversion.convolution,
    4: _Conversion.depthwise,
    9: _Conversion.dense,
    14: _simple("Sigmoid"),
    17: lambda conversion, operator: conversion.pool(operator, "MaxPool"),
    18: _combined("Mul"),
    19: _simple("Relu"),
    RESHAPE: _Conversion.reshape,
    34: _Conversion.pad,
    40: _Conversion.mean,
    41: _combined("Sub"),
    42: _combined("Div"),
    45: _Conversion.cut,
    55: _combined("Max"),
    58: _combined("Less"),
    61: _combined("Greater"),
    66: _simple("Sin"),
    70: _Conversion.expand,
    98: _Conversion.leaky,
    123: _Conversion.choose,
}
"""Operators by their codes in ``schema.fbs``."""
