from __future__ import annotations

import numpy as np
import onnx
import pytest

from audiotl_cli.graph import Graph, open_session
from audiotl_cli.protobuf import packed, read_fields, read_integers


def test_onnx_accepts_what_is_written() -> None:
    graph = Graph()
    x = graph.input("x", np.float32, ["n", 3])
    y = graph.add("Gemm", x, np.eye(3, dtype=np.float32), alpha=0.5, transB=1)
    y = graph.add("Transpose", graph.add("LeakyRelu", y, alpha=0.25), perm=[1, 0])
    graph.output("y", y, np.float32, [3, "n"])

    model = graph.model({"author": "Ünal"})

    onnx.checker.check_model(onnx.load_from_string(model), full_check=True)
    assert onnx.load_from_string(model).metadata_props[0].value == "Ünal"
    found = open_session(model).run(None, {"x": np.array([[2, -8, 4]], np.float32)})[0]
    np.testing.assert_array_equal(found, [[1.0], [-1.0], [2.0]])


def test_fields_are_read_as_they_were_written() -> None:
    written = packed(1, -3) + packed(2, "é") + packed(3, 0.5) + packed(400, bytes(200))

    fields = list(read_fields(written))

    assert [number for number, *_ in fields] == [1, 2, 3, 400]
    assert read_integers(*fields[0][1:]) == [-3]
    assert bytes(fields[1][2]).decode() == "é"
    assert len(fields[3][2]) == 200
    assert read_integers(2, memoryview(bytes([1, 0xFF, 1]))) == [1, 255]


@pytest.mark.parametrize(
    "damaged", [b"\x0a", b"\x0a\x05ab", b"\x08\xff", b"\x0b", b"\x08" + b"\xff" * 11]
)
def test_damaged_messages_are_refused(damaged: bytes) -> None:
    with pytest.raises(ValueError, match=r"field|number"):
        list(read_fields(damaged))
