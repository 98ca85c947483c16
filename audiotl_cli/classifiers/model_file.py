"""Read and write model files, which contain only a card and named arrays.

The file is what `joblib.dump` makes of plain dictionaries, lists, texts, numbers and numeric
arrays, so that `joblib.load` shows its contents. It is read here by `plain_pickle`, which can
create nothing else, and every part is checked by the code that uses it.
"""

from __future__ import annotations

import io
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from audiotl_cli.classifiers.calibration import Calibrator
from audiotl_cli.classifiers.card import ModelCard, marks_from_array, marks_to_array, to_plain
from audiotl_cli.classifiers.checks import DamagedError, expect_names, shaped
from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.event_settings import EventSettings
from audiotl_cli.classifiers.parts import Part, State
from audiotl_cli.classifiers.pipeline import read_pipeline
from audiotl_cli.classifiers.plain_pickle import LONGEST_KEY, NotPlainError, read_plain
from audiotl_cli.classifiers.pooling import n_pooled
from audiotl_cli.classifiers.rejection import POOLING as REJECTION_POOLING
from audiotl_cli.classifiers.rejection import Rejection
from audiotl_cli.errors import ArtifactError, DataError
from audiotl_cli.files import open_regular

FORMAT = 2
PROTOCOL = 4  # pickle protocol that gives the same bytes on every version of Python
MOST_BYTES = 4 * 1024**3
"""Of a model file: more than the frames of 100 hours kept by nearest neighbours."""
MOST_MARKS = 2_000_000  # of clips; as text they take ten times as much memory
_MARKS = "clips"
_EARLIER = (b"PK\3\4", b"x")  # a skops file, a compressed pickle
_DEEPEST = 5  # parts within parts: an average of pipelines of one-versus-rest of classifiers
_TRAIN = "train it again with: audiotl train"


def dump_model(classifier: ClipClassifier, card: ModelCard) -> bytes:
    """Return the bytes of a model file; the same model gives the same bytes.

    Raises
    ------
    DataError
        A part of the model is too large to be read again.
    """
    import joblib

    try:
        described = card.to_dict()
        parts = {"pipeline": classifier.pipeline.to_part()}
        if classifier.calibrator is not None:
            parts["calibration"] = classifier.calibrator.to_part()
        if classifier.rejection is not None:
            parts["rejection"] = classifier.rejection.to_part()
        if 0 < len(card.trained_on) <= MOST_MARKS:  # of more it is not known
            marks = State({"marks": marks_to_array(card.trained_on)})
            parts["trained_on"] = Part(_MARKS, marks)
        content = {
            "format": FORMAT,
            "card": described | {"trained_on": [], "calibration": None},
            "parts": {name: part.to_dict() for name, part in parts.items()},
        }
        buffer = io.BytesIO()
        joblib.dump(_canonical(content, {}), buffer, protocol=PROTOCOL)
        packed = buffer.getvalue()
        read_model(Path("model.joblib"), packed)
    except (DamagedError, ArtifactError) as error:
        raise DataError(f"the model cannot be saved: {error}") from error
    return packed


def _canonical(value: Any, texts: dict[str, str]) -> Any:
    """Return a copy in which equal texts are one object and nothing else is there twice.

    A pickle shows which objects are the same one.
    """
    if isinstance(value, dict):
        return {texts.setdefault(k, k): _canonical(part, texts) for k, part in value.items()}
    if isinstance(value, list):
        return [_canonical(part, texts) for part in value]
    return texts.setdefault(value, value) if isinstance(value, str) else value


def load_model_file(path: Path) -> tuple[ClipClassifier, ModelCard]:
    """Load a model file; this cannot run code from it.

    Raises
    ------
    DataError
        There is no such file.
    ArtifactError
        The file is not a model, was saved by an earlier version of audiotl, or is damaged.
    """
    return read_model(path, read_packed(path))


def read_packed(path: Path) -> bytes:
    """Return the bytes of a model file, unless it is too large.

    Raises
    ------
    DataError
        There is no such file.
    ArtifactError
        It is larger than `MOST_BYTES`.
    """
    try:
        opened = open_regular(path)
    except IsADirectoryError as error:
        raise DataError(f"{path} is a folder, expected a model file") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(f"{path} does not exist; train a model with: audiotl train") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from error
    with opened as file:
        # a limit of so many bytes would be taken from memory before any is read
        packed = file.read() if path.stat().st_size <= MOST_BYTES else None
    if packed is None:
        raise ArtifactError(f"{path} is not a model saved by audiotl (more than 4 GiB)")
    return packed


def read_model(path: Path, packed: bytes) -> tuple[ClipClassifier, ModelCard]:
    """Load a model from bytes; the path is used in messages only. See `load_model_file`."""
    try:
        content, card = _read(path, packed)
        parts = {name: _part(value, _DEEPEST) for name, value in content.items()}
        if parts.keys() - {"pipeline", "calibration", "rejection", "trained_on"}:
            raise DamagedError(f"it has the parts {ascii(sorted(parts))[:100]}")
        if any(part.parts for name, part in parts.items() if name != "pipeline"):
            raise DamagedError("it has parts that such a model does not have")
        classifier = _assemble(parts, card)
        if "trained_on" in parts:
            expect_names(parts["trained_on"].state, ["marks"])
            marks = shaped(parts["trained_on"].state, "marks", (None,), ("u8",))
            if len(marks) > MOST_MARKS or parts["trained_on"].kind != _MARKS:
                raise DamagedError(f"it lists {len(marks)} training clips")
            card = replace(card, trained_on=marks_from_array(marks))
        if classifier.calibrator is not None:
            card = replace(card, calibration=asdict(classifier.calibrator))
        _try(classifier, card)
    except DamagedError as error:
        raise ArtifactError(f"{path} is a damaged model ({error}); {_TRAIN}") from error
    return classifier, card


def read_card(path: Path, packed: bytes) -> ModelCard:
    """Return the card in a model file, without checking the arrays.

    Raises
    ------
    ArtifactError
        The file is not a model, was saved by an earlier version of audiotl, or its card is
        damaged.
    """
    try:
        return _read(path, packed)[1]
    except DamagedError as error:
        raise ArtifactError(f"{path} is a damaged model ({error}); {_TRAIN}") from error


def _read(path: Path, packed: bytes) -> tuple[dict[str, Any], ModelCard]:
    """Return the parts in a model file, unchecked, and its card."""
    if path.suffix.lower() == ".onnx":
        raise ArtifactError(
            f"{path} is an ONNX file, which audiotl predict takes where it is an exported model; "
            "name the model file (.joblib) that it was exported from"
        )
    if packed.startswith(_EARLIER):
        raise ArtifactError(
            f"{path} is not a model saved by audiotl (or by an earlier version, whose compressed "
            f"and skops files are no longer read); {_TRAIN}"
        )
    try:
        content = read_plain(packed)
    except NotPlainError as error:
        raise ArtifactError(
            f"{path} is not a model saved by audiotl ({error}); {_TRAIN}"
        ) from error
    if type(content) is not dict or not {"format", "card"} <= content.keys():
        raise ArtifactError(f"{path} is not a model saved by audiotl (it has no card); {_TRAIN}")
    if type(content["format"]) is not int or content["format"] != FORMAT:
        shown = ascii(content["format"])[:20]
        raise ArtifactError(f"{path}: format {shown}, expected {FORMAT}; {_TRAIN}")
    if content.keys() != {"format", "card", "parts"} or type(content["parts"]) is not dict:
        raise DamagedError("it does not consist of exactly a card and parts")
    return content["parts"], ModelCard.from_dict(content["card"])


def _part(value: Any, depth: int) -> Part:
    """Return a part from plain values."""
    hints = {"kind": str, "params": dict, "arrays": dict, "parts": list}
    if type(value) is not dict or value.keys() != hints.keys() or not depth:
        raise DamagedError("one of its parts is not valid")
    if not all(type(value[name]) is hint for name, hint in hints.items()):
        raise DamagedError("one of its parts has entries of the wrong types")
    if len(value["kind"]) > LONGEST_KEY:
        raise DamagedError(
            f"the kind of one of its parts is a text of {len(value['kind'])} characters"
        )
    if not all(isinstance(array, np.ndarray) for array in value["arrays"].values()):
        raise DamagedError(
            f"the part {ascii(value['kind'])[:40]} has an entry that is not an array"
        )
    params = to_plain(value["params"], "a part")
    parts = [_part(nested, depth - 1) for nested in value["parts"]]
    return Part(value["kind"], State(value["arrays"], params), parts)


def _assemble(parts: dict[str, Part], card: ModelCard) -> ClipClassifier:
    labels = list(card.labels)
    if "pipeline" not in parts:
        raise DamagedError("it has no pipeline")
    pipeline = read_pipeline(parts["pipeline"], len(labels), multi_label=card.multi_label)
    width = sum(spec.dim for spec in card.extractors)
    expected = width * n_pooled(card.pooling)
    if pipeline.n_features != expected:
        raise DamagedError(f"its pipeline takes {pipeline.n_features} features, not {expected}")
    calibrator = rejection = None
    if "calibration" in parts:
        calibrator = Calibrator.from_part(parts["calibration"], len(labels))
    if "rejection" in parts:
        n_features = width * n_pooled(REJECTION_POOLING)
        rejection = Rejection.from_part(parts["rejection"], n_features, len(labels))
    events = None
    if card.events is not None:
        events = EventSettings.from_card(card.events, labels, several=card.multi_label)
        if card.pooling != "vote" or calibrator or rejection or len(card.extractors) > 1:
            raise DamagedError("it is a model of events, and has what such a model does not have")
    return ClipClassifier(
        pipeline,
        labels,
        card.pooling,
        card.multi_label,
        calibrator,
        rejection,
        card.params,
        events=events,
    )


def _try(classifier: ClipClassifier, card: ModelCard) -> None:
    """Score a clip of zeros, so that invalid parameters are noticed when the model is loaded."""
    clip = [np.zeros((1, spec.dim), np.float32) for spec in card.extractors]
    try:
        scores = classifier.scores([clip])
    except ArtifactError as error:
        raise DamagedError(str(error).partition(";")[0]) from error
    classifier.rejects([clip], scores)
