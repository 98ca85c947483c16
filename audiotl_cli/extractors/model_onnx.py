"""Embed with an ONNX file of the user, in ONNX Runtime.

It is no program: a graph of standard operators computes, and can do nothing else. Files that need
operators from a library, or further files, are refused.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from audiotl_cli.extractors.engines.onnx_file import read_onnx, with_output
from audiotl_cli.extractors.model_file import ModelFileExtractor, check_file, digest_of_file
from audiotl_cli.extractors.model_layout import shape_of
from audiotl_cli.extractors.model_network import Array, OpenModel
from audiotl_cli.files import read_regular
from audiotl_cli.graph import open_session
from audiotl_cli.storage.contents import ChangedFileError

MAX_BYTES = 1 << 31  # a message of protocol buffers cannot be larger
_DTYPES = {"float": "float32", "double": "float64"}


class OnnxFileExtractor(ModelFileExtractor):
    """Embeddings by an ONNX file: ``onnx:FILE``; see `ModelFileExtractor`.

    Any value of the graph may be the layer: one that is no output is made one.
    """

    kind = "onnx"
    runs_code = False
    version = "1"
    batch_size = 1  # so that values depend neither on neighbours nor on the file's batch size
    parallel = True

    @classmethod
    def check_there(cls, path: Path) -> None:
        check_file(path, "ONNX")

    @classmethod
    def digest_of(cls, path: Path) -> str:
        return digest_of_file(path, "ONNX")

    def open(self) -> OpenModel:
        content = read_regular(self.path, MAX_BYTES)
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise ChangedFileError
        graph = read_onnx(content)
        graph.check_allowed()
        outputs = list(graph.outputs)
        if self.layer not in outputs and self.layer in graph.values():
            content = with_output(content, self.layer)
            outputs.append(self.layer)
        session = open_session(content, n_threads=1)  # batches run side by side
        inputs = session.get_inputs()

        def call(output: str, array: Array) -> Any:
            return session.run([output], {inputs[0].name: array})[0]

        shapes = [(shape_of(entry.shape), dtype_of(entry.type)) for entry in inputs]
        return OpenModel(shapes, sorted(outputs), call, ", or an inner value of the graph")


def dtype_of(text: str) -> str:
    """Return NumPy's name for a type such as ``tensor(float)``."""
    name = text.removeprefix("tensor(").removesuffix(")")
    return _DTYPES.get(name, name)
