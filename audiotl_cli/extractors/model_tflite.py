"""Embed with a TFLite file of the user, in LiteRT. It is a program: see `trusted`."""

from __future__ import annotations

import hashlib
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from audiotl_cli.errors import UsageError
from audiotl_cli.extractor_config import ExtractorConfig
from audiotl_cli.extractors.model_file import ModelFileExtractor, check_file, digest_of_file
from audiotl_cli.extractors.model_layout import shape_of
from audiotl_cli.extractors.model_network import Array, OpenModel
from audiotl_cli.extractors.runtime import silent_descriptor
from audiotl_cli.files import read_regular
from audiotl_cli.storage.contents import ChangedFileError

MAX_BYTES = 1 << 31  # a FlatBuffer cannot be larger


class TfliteExtractor(ModelFileExtractor):
    """Embeddings by a TFLite file: ``tflite:FILE``; see `ModelFileExtractor`.

    Any tensor of the file may be the layer. One that is no output is kept for the purpose, which
    takes longer.
    """

    kind = "tflite"
    version = "2"  # 1 ran in TensorFlow
    batch_size = 1  # a batch size that may vary often fails

    def __init__(self, config: ExtractorConfig, **settings: Any) -> None:
        super().__init__(config, **settings)
        self.n_threads: int | None = None
        if find_spec("ai_edge_litert") is None:
            raise UsageError(
                f"{self.name} runs in LiteRT, which is not installed: pip install 'audiotl[litert]'"
            )

    def use_threads(self, n_threads: int) -> None:
        super().use_threads(n_threads)
        self.n_threads = n_threads

    @classmethod
    def check_there(cls, path: Path) -> None:
        check_file(path, "TFLite")

    @classmethod
    def digest_of(cls, path: Path) -> str:
        return digest_of_file(path, "TFLite")

    def open(self) -> OpenModel:
        from ai_edge_litert.interpreter import Interpreter

        content = read_regular(self.path, MAX_BYTES)
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise ChangedFileError
        options = {"model_content": content, "num_threads": self.n_threads}
        with silent_descriptor(), warnings.catch_warnings():
            # it reports what it is about to do, and that keeping tensors takes memory
            warnings.simplefilter("ignore", UserWarning)
            interpreter = Interpreter(**options)
            outputs = _outputs(interpreter)
            tensors = {each["name"]: each["index"] for each in interpreter.get_tensor_details()}
            if self.layer in tensors and self.layer not in outputs:
                outputs[self.layer] = tensors[self.layer]
                interpreter = Interpreter(**options, experimental_preserve_all_tensors=True)
            interpreter.allocate_tensors()
        inputs = interpreter.get_input_details()

        def call(output: str, array: Array) -> Any:
            if tuple(interpreter.get_input_details()[0]["shape"]) != array.shape:
                interpreter.resize_tensor_input(inputs[0]["index"], array.shape, strict=True)
                interpreter.allocate_tensors()
            interpreter.set_tensor(inputs[0]["index"], array)
            interpreter.invoke()
            return interpreter.get_tensor(outputs[output])

        shapes = [
            (shape_of(entry["shape_signature"]), np.dtype(entry["dtype"]).name) for entry in inputs
        ]
        return OpenModel(shapes, sorted(outputs), call, ", or an inner tensor")


def _outputs(interpreter: Any) -> dict[str, int]:
    """Return the outputs and the numbers of their tensors."""
    if len(interpreter.get_signature_list()) == 1:  # with better names
        found = interpreter.get_signature_runner().get_output_details()
        return {name: entry["index"] for name, entry in found.items()}
    return {entry["name"]: entry["index"] for entry in interpreter.get_output_details()}
