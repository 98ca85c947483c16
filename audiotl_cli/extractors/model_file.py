"""Embed with a TensorFlow model of the user: a TFLite file or a SavedModel folder.

``tflite:FILE`` and ``savedmodel:FOLDER`` accept any model with one float32 input, the waveform of a
window or its log-mel patch, and an output of one vector per window. Settings that cannot be read
from the model are in a small JSON file in the same folder, see `model_settings.Settings`.

A TensorFlow model is a program: use only models of people you trust.
"""

from __future__ import annotations

import abc
import hashlib
import json
import os
import warnings
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from audiotl_cli.audio.framing import Framing
from audiotl_cli.audio.types import Waveform
from audiotl_cli.errors import UsageError, WeightsError, is_out_of_memory
from audiotl_cli.extractor_config import ExtractorConfig
from audiotl_cli.extractors import audioset
from audiotl_cli.extractors.base import Description, Extractor, Layer, Patches
from audiotl_cli.extractors.cache import file_sha256
from audiotl_cli.extractors.model_network import (
    Array,
    OpenModel,
    VectorNetwork,
    first_line,
    shape_of,
)
from audiotl_cli.extractors.model_settings import read_settings
from audiotl_cli.extractors.runtime import limit_threads, tensorflow
from audiotl_cli.storage.contents import ChangedFileError
from audiotl_cli.storage.paths import local_path

PATCH = (audioset.PATCH_FRAMES, audioset.N_MELS)


class ModelFileExtractor(Extractor):
    """Embeddings by a TensorFlow model in a file or folder, one frame per window.

    Parameters
    ----------
    config : ExtractorConfig
        The name is ``tflite:FILE`` or ``savedmodel:FOLDER``; what audiotl cannot read from the
        model is in a file of the same name with ``.json`` added. The layer is the name of an
        output; None is that of the JSON file, or the only one.

    Notes
    -----
    The last window is filled up with zeros, so that every sample is in a window.

    Raises
    ------
    WeightsError
        There is no such model; or, at the first use, the model cannot be read.
    UsageError
        The settings are wrong, or, at the first use, do not fit the model.
    """

    kind: ClassVar[str]
    version = "1"
    summary = "a TensorFlow model of your own"
    default_layer = ""

    def __init__(self, config: ExtractorConfig, **settings: Any) -> None:
        path = local_path(config.name.partition(":")[2])
        self.name = f"{self.kind}:{path}"
        self.path = Path(os.path.expanduser(path)).absolute()  # noqa: PTH111
        self.check_there(self.path)
        self.settings_path = self.path.with_name(f"{self.path.name}.json")
        self.settings = read_settings(self.settings_path)
        self.sample_rate = self.settings.sample_rate
        self.window_s = self.settings.window_s
        self.default_hop_s = self.settings.hop_s
        self.default_layer = self.settings.output
        self.n_threads: int | None = None
        super().__init__(config, **settings)

    @classmethod
    def layers(cls) -> dict[str, Layer]:
        return {}  # they are known when the model is read

    def check_layer(self) -> None:
        """Do nothing: the outputs are not known before the model is read."""

    @cached_property
    def dim(self) -> int:
        return self._network.dim

    @cached_property
    def rows(self) -> int:
        return 1

    def frame(self, hop_s: float) -> Framing:
        if self.settings.input == "log_mel":
            return audioset.patch_framing(hop_s, pad_end=True)
        window, hop = (max(1, round(s * self.sample_rate)) for s in (self.window_s, hop_s))
        return Framing(window=window, hop=hop, tail="pad")

    def weights_id(self) -> tuple[str, str]:
        return f"sha256:{self._sha256}", f"unverified:{self.path.name}"

    def details(self) -> dict[str, Any]:
        if self.settings.input == "log_mel":
            return {"input": "log_mel", "log_offset": self.settings.log_offset}
        return {"input": "waveform"}

    def describe(self) -> Description:
        # the location of the model does not change any value
        return replace(super().describe(), extractor=self.kind)

    def use_threads(self, n_threads: int) -> None:
        limit_threads(n_threads)
        self.n_threads = n_threads

    def prepare(self) -> None:
        _ = self._network

    def front_end(self, segment: Waveform) -> Patches:
        if self.settings.input == "log_mel":
            frames = audioset.log_mel(segment, *audioset.tables(), self.settings.log_offset)
            return audioset.cut_patches(frames, self.framing.hop)
        windows: Patches = np.lib.stride_tricks.sliding_window_view(segment, self.framing.window)
        return windows[:: self.framing.hop]

    def forward(self, patches: Patches) -> Array:
        return self._network.run(patches)[:, None, :]

    @abc.abstractmethod
    def open(self) -> OpenModel:
        """Read the model; raises any exception if it cannot be read."""

    @classmethod
    @abc.abstractmethod
    def check_there(cls, path: Path) -> None:
        """Raise `WeightsError` if there is no such model."""

    @classmethod
    @abc.abstractmethod
    def digest_of(cls, path: Path) -> str:
        """Return the SHA-256 of a model without loading it; errors as `check_there`."""

    @cached_property
    def _sha256(self) -> str:
        return self.digest_of(self.path)

    @cached_property
    def _network(self) -> VectorNetwork:
        try:
            opened = self.open()
        except Exception as error:  # damage raises any exception
            if is_out_of_memory(error):
                raise
            message = f"{self.path} cannot be read as {self.kind} ({first_line(error)})"
            raise WeightsError(message) from error
        window = PATCH if self.settings.input == "log_mel" else (self.framing.window,)
        try:
            return VectorNetwork(opened, self.layer, window)
        except ValueError as error:
            raise UsageError(
                f"{self.path}: {error}. Settings of the model are in {self.settings_path} "
                f"(now: {json.dumps(asdict(self.settings))})"
            ) from error


class TfliteExtractor(ModelFileExtractor):
    """Embeddings by a TFLite file: ``tflite:FILE``; see `ModelFileExtractor`."""

    kind = "tflite"
    batch_size = 1  # a batch size that may vary often fails

    @classmethod
    def check_there(cls, path: Path) -> None:
        if not path.is_file():
            raise WeightsError(f"{path}: no such TFLite file")

    @classmethod
    def digest_of(cls, path: Path) -> str:
        cls.check_there(path)
        return file_sha256(path)

    def open(self) -> OpenModel:
        tf = tensorflow()
        content = self.path.read_bytes()
        if hashlib.sha256(content).hexdigest() != self._sha256:
            raise ChangedFileError
        _check_whole(content)
        with warnings.catch_warnings():
            # the successor is another package; this interpreter comes with TensorFlow
            message = r"\s*Warning: tf\.lite\.Interpreter is deprecated"
            warnings.filterwarnings("ignore", message, UserWarning)
            interpreter = tf.lite.Interpreter(model_content=content, num_threads=self.n_threads)
        interpreter.allocate_tensors()
        inputs = interpreter.get_input_details()
        if len(interpreter.get_signature_list()) == 1:  # with better names
            outputs = interpreter.get_signature_runner().get_output_details()
        else:
            outputs = {output["name"]: output for output in interpreter.get_output_details()}

        def call(output: str, array: Array) -> Any:
            if tuple(interpreter.get_input_details()[0]["shape"]) != array.shape:
                interpreter.resize_tensor_input(inputs[0]["index"], array.shape, strict=True)
                interpreter.allocate_tensors()
            interpreter.set_tensor(inputs[0]["index"], array)
            interpreter.invoke()
            return interpreter.get_tensor(outputs[output]["index"])

        shapes = [
            (shape_of(entry["shape_signature"]), np.dtype(entry["dtype"]).name) for entry in inputs
        ]
        return OpenModel(shapes, sorted(outputs), call)


class SavedModelExtractor(ModelFileExtractor):
    """Embeddings by a SavedModel: ``savedmodel:FOLDER``; see `ModelFileExtractor`.

    The signature ``serving_default`` is used, or the only signature.
    """

    kind = "savedmodel"
    parallel = True

    @classmethod
    def check_there(cls, path: Path) -> None:
        if not (path / "saved_model.pb").is_file():
            raise WeightsError(
                f"{path}: no SavedModel, expected a folder with a file saved_model.pb"
            )

    @classmethod
    def digest_of(cls, path: Path) -> str:
        """Return the SHA-256 of the sorted digests and names of the files that TensorFlow reads."""
        cls.check_there(path)
        # new versions of TensorFlow write the graph in a second form, too
        graphs = ("saved_model.pb", "saved_model.cpb")
        found = [path / name for name in graphs if (path / name).is_file()]
        for part in ("variables", "assets"):
            found += sorted(file for file in (path / part).rglob("*") if file.is_file())
        lines = [f"{file_sha256(file)}  {file.relative_to(path).as_posix()}" for file in found]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def open(self) -> OpenModel:
        expected = self._sha256
        signatures = tensorflow().saved_model.load(str(self.path)).signatures
        if self.digest_of(self.path) != expected:
            raise ChangedFileError
        name = "serving_default" if len(signatures) != 1 else next(iter(signatures))
        if name not in signatures:
            raise ValueError(
                f"it has the signatures {sorted(signatures)}, expected serving_default; save it "
                "with signatures=, or a Keras model with model.export"
            )
        signature = signatures[name]
        specs = signature.structured_input_signature[1]

        def call(output: str, array: Array) -> Any:
            arguments = {name: tensorflow().constant(array) for name in specs}
            return signature(**arguments)[output].numpy()

        shapes = [
            (() if spec.shape.rank is None else shape_of(spec.shape), spec.dtype.name)
            for spec in specs.values()
        ]
        return OpenModel(shapes, sorted(signature.structured_outputs), call)


def _check_whole(content: bytes) -> None:
    """Parse a TFLite file; TensorFlow's own reader crashes on a truncated one."""
    from tensorflow.lite.tools import flatbuffer_utils

    try:
        flatbuffer_utils.convert_bytearray_to_object(content)
    except Exception as error:  # wrong offsets raise any exception
        if is_out_of_memory(error):
            raise
        raise ValueError("it is damaged or not a TFLite file") from error
