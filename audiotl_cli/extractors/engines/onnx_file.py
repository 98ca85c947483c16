"""Look into an ONNX file without running it, and make an inner value one of its outputs.

The numbers of fields are those of ``onnx.proto``.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from audiotl_cli.graph import described
from audiotl_cli.protobuf import packed, read_fields, read_integers

_INT64 = 7  # the type of a tensor


@dataclass(frozen=True)
class Node:
    """An operation with the names of its values, and its attributes of whole numbers."""

    operation: str
    inputs: list[str]
    outputs: list[str]
    numbers: dict[str, list[int]]


@dataclass(frozen=True)
class OnnxFile:
    """What is known of a graph.

    Parameters
    ----------
    nodes : list of Node
    outputs : list of str
    shapes : dict
        The shapes of constants by name.
    numbers : dict
        The values of constants of whole numbers by name.
    """

    nodes: list[Node] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    numbers: dict[str, list[int]] = field(default_factory=dict)

    def pooled(self) -> str:
        """Return the mean over tokens that is nearest to the first output.

        It is the mean over the second of three axes; those of a layer normalisation are over the
        last one. ValueError if there is none.
        """
        made_by = {output: node for node in self.nodes for output in node.outputs}
        names, seen = deque(self.outputs[:1]), set(self.outputs[:1])
        while names:
            node = made_by.get(names.popleft())
            if node is None:
                continue
            if node.operation == "ReduceMean" and self._axes(node) in ([1], [-2]):
                return node.outputs[0]
            for name in node.inputs:
                if name not in seen:
                    seen.add(name)
                    names.append(name)
        raise ValueError("it has no mean over tokens before its output")

    def _axes(self, node: Node) -> list[int]:
        if "axes" in node.numbers:
            return node.numbers["axes"]
        return self.numbers.get(node.inputs[1], []) if len(node.inputs) > 1 else []


def read_onnx(content: bytes) -> OnnxFile:
    """Return what is known of the graph of an ONNX file; ValueError if it is no such file."""
    found = OnnxFile()
    for number, kind, value in read_fields(content):
        if number == 7 and kind == 2:
            _read_graph(value, found)
    if not (found.nodes and found.outputs):
        raise ValueError("it has no graph")
    return found


def with_output(content: bytes, name: str, width: int) -> bytes:
    """Return an ONNX file in which a value (n, width) is one more output.

    Messages that follow each other are read as one, so that the file need not be taken apart.
    """
    return content + packed(7, packed(12, described(name, np.float32, ["n", width])))


def _read_graph(graph: memoryview, found: OnnxFile) -> None:
    for number, kind, value in read_fields(graph):
        if kind != 2:
            continue
        if number == 1:
            found.nodes.append(_read_node(value, found))
        elif number == 5:
            _read_tensor(value, found)
        elif number == 12:
            found.outputs.extend(_texts(value, 1))


def _read_node(node: memoryview, found: OnnxFile) -> Node:
    read = Node("".join(_texts(node, 4)), _texts(node, 1), _texts(node, 2), {})
    for number, _, value in read_fields(node):
        if number == 5:
            _read_attribute(value, read, found)
    return read


def _read_attribute(attribute: memoryview, node: Node, found: OnnxFile) -> None:
    name = "".join(_texts(attribute, 1))
    for number, kind, value in read_fields(attribute):
        if number == 8:
            node.numbers.setdefault(name, []).extend(read_integers(kind, value))
        elif number == 5 and node.operation == "Constant" and node.outputs:
            _read_tensor(value, found, node.outputs[0])


def _read_tensor(tensor: memoryview, found: OnnxFile, name: str = "") -> None:
    shape: list[int] = []
    numbers: list[int] = []
    kind_of_values = 0
    raw: Any = b""
    for number, kind, value in read_fields(tensor):
        if number == 1:
            shape += read_integers(kind, value)
        elif number == 2:
            kind_of_values = value
        elif number == 7:
            numbers += read_integers(kind, value)
        elif number == 8 and not name:
            name = _text(value)
        elif number == 9:
            raw = value
    found.shapes[name] = tuple(shape)
    if kind_of_values == _INT64:
        if len(raw) % 8:
            raise ValueError(f"the constant {name[:60]!r} is cut off")
        found.numbers[name] = numbers or np.frombuffer(raw, "<i8").tolist()


def _texts(message: memoryview, wanted: int) -> list[str]:
    return [_text(value) for number, _, value in read_fields(message) if number == wanted]


def _text(value: Any) -> str:
    if not isinstance(value, memoryview):
        raise ValueError("a number stands in place of a name")
    return value.tobytes().decode()
