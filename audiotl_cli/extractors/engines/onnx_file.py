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
_EXTERNAL = 1  # where the values of a tensor are
_MAX_KEPT = 64  # values of a constant; axes and shapes are fewer
_MAX_DEPTH = 32  # of graphs within nodes of graphs
ALLOWED_DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")
"""The operators of ONNX Runtime itself; those of others are programs in libraries."""


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
        The values of short constants of whole numbers by name.
    opsets : dict
        The versions of the sets of operators, by the domain of a set.
    metadata : dict
        Text that the file carries, by name, and ``producer``.
    external : list of str
        Constants whose values are in another file.
    operators : set of (str, str)
        The domains and names of all operators in use, also in graphs within nodes.
    functions : set of (str, str)
        Those that the file defines by others.
    """

    nodes: list[Node] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    numbers: dict[str, list[int]] = field(default_factory=dict)
    opsets: dict[str, int] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    external: list[str] = field(default_factory=list)
    operators: set[tuple[str, str]] = field(default_factory=set)
    functions: set[tuple[str, str]] = field(default_factory=set)

    def values(self) -> list[str]:
        """Return the names of all values that nodes compute, in the order of the nodes."""
        return [name for node in self.nodes for name in node.outputs if name]

    def check_allowed(self) -> None:
        """Raise ValueError if the graph needs another file, or operators from a library."""
        if self.external:
            raise ValueError(
                f"{len(self.external)} constants are in another file, such as "
                f"{self.external[0][:60]!r}; export it as one file: external_data=False in "
                "torch.onnx.export, or onnx.save_model(onnx.load(FILE), NEW)"
            )
        foreign = sorted(
            f"{domain}.{name}"
            for domain, name in self.operators - self.functions
            if domain not in ALLOWED_DOMAINS
        )
        if foreign:
            raise ValueError(
                f"it needs operators that ONNX Runtime does not have: {', '.join(foreign)[:200]}; "
                "they would be programs of a library of their own, which is never loaded"
            )

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
        if number == 2 and kind == 2:
            found.metadata["producer"] = _text(value)
        elif number == 7 and kind == 2:
            _read_graph(value, found)
        elif number == 8:
            domain = "".join(_texts(value, 1))
            found.opsets[domain] = max((v for n, _, v in read_fields(value) if n == 2), default=0)
        elif number == 14:
            found.metadata["".join(_texts(value, 1))] = "".join(_texts(value, 2))
        elif number == 25:
            found.functions.add(("".join(_texts(value, 10)), "".join(_texts(value, 1))))
            _read_inner(value, found, 7, 1)
    if not (found.nodes and found.outputs):
        raise ValueError("it has no graph")
    return found


def with_output(content: bytes, name: str, width: int | None = None) -> bytes:
    """Return an ONNX file in which a value is one more output.

    Messages that follow each other are read as one, so that the file need not be taken apart.

    Parameters
    ----------
    content : bytes
    name : str
    width : int or None
        That of a value (n, width); None leaves type and shape to the runtime.
    """
    value = packed(1, name) if width is None else described(name, np.float32, ["n", width])
    return content + packed(7, packed(12, value))


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
        elif number == 15:
            _read_sparse(value, found)


def _read_inner(graph: memoryview, found: OnnxFile, field_of_nodes: int, depth: int) -> None:
    """Note the operators and constants of a graph within a node, or of a function."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"graphs lie in graphs more than {_MAX_DEPTH} deep")
    for number, kind, value in read_fields(graph):
        if kind == 2 and number == field_of_nodes:
            _read_node(value, found, depth)
        elif kind == 2 and number == 5 and field_of_nodes == 1:
            _read_tensor(value, found, keep=False)
        elif kind == 2 and number == 15 and field_of_nodes == 1:
            _read_sparse(value, found)


def _read_node(node: memoryview, found: OnnxFile, depth: int = 0) -> Node:
    read = Node("".join(_texts(node, 4)), _texts(node, 1), _texts(node, 2), {})
    found.operators.add(("".join(_texts(node, 7)), read.operation))
    for number, _, value in read_fields(node):
        if number == 5:
            _read_attribute(value, read, found, depth)
    return read


def _read_attribute(attribute: memoryview, node: Node, found: OnnxFile, depth: int) -> None:
    name = "".join(_texts(attribute, 1))
    for number, kind, value in read_fields(attribute):
        if number == 8:
            node.numbers.setdefault(name, []).extend(read_integers(kind, value))
        elif number in (5, 10):
            keep = node.operation == "Constant" and bool(node.outputs) and not depth
            _read_tensor(value, found, node.outputs[0] if keep else "", keep=keep)
        elif number in (6, 11):
            _read_inner(value, found, 1, depth + 1)
        elif number in (22, 23):
            _read_sparse(value, found)


def _read_sparse(tensor: memoryview, found: OnnxFile) -> None:
    for number, _, value in read_fields(tensor):
        if number in (1, 2):
            _read_tensor(value, found, keep=False)


def _read_tensor(tensor: memoryview, found: OnnxFile, name: str = "", *, keep: bool = True) -> None:
    shape: list[int] = []
    numbers: list[int] = []
    kind_of_values = 0
    external = False
    raw: Any = b""
    for number, kind, value in read_fields(tensor):
        if number == 1:
            shape += read_integers(kind, value)
        elif number == 2:
            kind_of_values = value
        elif number == 7 and len(numbers) <= _MAX_KEPT:
            numbers += read_integers(kind, value)
        elif number == 8 and not name:
            name = _text(value)
        elif number == 9:
            raw = value
        elif number == 13 or (number == 14 and value == _EXTERNAL):
            external = True
    if external:
        found.external.append(name)
    if not keep:
        return
    found.shapes[name] = tuple(shape)
    if kind_of_values == _INT64:
        if len(raw) % 8:
            raise ValueError(f"the constant {name[:60]!r} is cut off")
        found.numbers[name] = numbers or np.frombuffer(raw[: 8 * _MAX_KEPT], "<i8").tolist()


def _texts(message: memoryview, wanted: int) -> list[str]:
    return [_text(value) for number, _, value in read_fields(message) if number == wanted]


def _text(value: Any) -> str:
    if not isinstance(value, memoryview):
        raise ValueError("a number stands in place of a name")
    return value.tobytes().decode()
