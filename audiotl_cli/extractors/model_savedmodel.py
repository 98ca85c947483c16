"""Embed with a SavedModel of the user, in TensorFlow. It is a program: see `trusted`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from audiotl_cli.errors import WeightsError
from audiotl_cli.extractors.cache import file_sha256
from audiotl_cli.extractors.model_file import ModelFileExtractor
from audiotl_cli.extractors.model_layout import shape_of
from audiotl_cli.extractors.model_network import Array, OpenModel
from audiotl_cli.extractors.runtime import tensorflow
from audiotl_cli.storage.contents import ChangedFileError


class SavedModelExtractor(ModelFileExtractor):
    """Embeddings by a SavedModel: ``savedmodel:FOLDER``; see `ModelFileExtractor`.

    The signature ``serving_default`` is used, or the only signature.
    """

    kind = "savedmodel"
    version = "1"
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
        expected = self.sha256
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
