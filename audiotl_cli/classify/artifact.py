"""A saved model: everything needed to predict and to say how it was made.

The file is a joblib pickle, whose loading could run whatever its maker put into it, or a skops
file. It is told first what a file would make (`outline`), and only what models are made of is
made (`allowed`).
"""

from __future__ import annotations

import hashlib
import io
import platform
import warnings
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import numpy as np

from audiotl_cli import __version__
from audiotl_cli.classify.calibration import Calibrator
from audiotl_cli.classify.classifier import ClipClassifier
from audiotl_cli.classify.compiled import MOST_FEATURES
from audiotl_cli.classify.loading import load_content, parse_trust, read_packed
from audiotl_cli.classify.pooling import POOLINGS
from audiotl_cli.classify.rejection import Rejection, Surroundings
from audiotl_cli.errors import ArtifactError

Kind = TypeVar("Kind")

FORMAT = 1
_LIBRARIES = ("scikit-learn", "numpy", "joblib", "tensorflow", "soundfile", "soxr")


@dataclass(frozen=True)
class ExtractorSpec:
    """An extractor as a model needs it.

    Parameters
    ----------
    name, layer, resampler : str
    hop_s : float
        Seconds.
    dim : int
    fingerprint : str
        The feature store's.
    weights : str
        ``published``, ``none``, or ``unverified:`` and the name of a user's own file;
        ``unknown`` for features that came from elsewhere.
    engine : str
        What ran the network, where it was not its reference; else empty.
    imported : bool
        Whether the features came from elsewhere, so that no audio can be embedded.
    """

    name: str
    fingerprint: str
    dim: int
    layer: str = ""
    hop_s: float = 0.0
    resampler: str = "soxr"
    weights: str = "published"
    engine: str = ""
    imported: bool = False

    @property
    def warning(self) -> str:
        """What every report says where the weights are not the published ones; else empty."""
        name = self.weights.removeprefix("unverified:")
        if name == self.weights:
            return ""
        return f"weights of {self.name} are not the published ones: {name}"


@dataclass(frozen=True)
class ModelCard:
    """How a model was made.

    Parameters
    ----------
    classifier, pooling : str
    params : dict
        Of the estimator.
    scale : bool or None
    pca : int or None
    seed : int
    labels : sequence of str
        In the order of scores.
    extractors : sequence of ExtractorSpec
    index : str
        File name of the training index.
    index_sha256 : str
    split : str
        The split it was trained on.
    n_clips : int
        Clips it was trained on.
    held_out : dict or None
        ``split``, ``n_clips`` and ``accuracy`` on clips it was not trained on.
    versions : dict
        Of Python and the libraries.
    search : list of dict
        How the settings that were tried did, the best first; empty without a search.
    combine : str
        How several extractors are combined.
    balance : bool
        Whether labels weigh the same.
    multi_label : bool
        Whether a clip may have any number of labels.
    streamed : bool
        Whether it was fitted block by block, its frames being too many for the memory.
    root : bool
        Whether features were scaled by `RootScaler`.
    trained_on : sequence of str
        What tells the clips it was trained on, sorted; see `clip_mark`; empty where not known.
    calibration : dict or None
        What makes probabilities of scores; see `Calibrator`.
    rejection : dict or None
        ``rate``, the share of known clips that may be rejected, and ``threshold``.
    """

    classifier: str
    pooling: str
    params: dict[str, Any]
    scale: bool | None
    pca: int | None
    seed: int
    labels: Sequence[str]
    extractors: Sequence[ExtractorSpec]
    index: str
    index_sha256: str
    split: str
    n_clips: int
    held_out: dict[str, Any] | None = None
    versions: dict[str, str] = field(default_factory=dict)
    search: Sequence[dict[str, Any]] = ()
    combine: str = "concat"
    balance: bool = False
    multi_label: bool = False
    streamed: bool = False
    root: bool = False
    trained_on: Sequence[str] = ()
    calibration: dict[str, Any] | None = None
    rejection: dict[str, Any] | None = None


def clip_mark(key: str) -> str:
    """Return 16 hexadecimal digits that stand for a clip, given its key in the store.

    Among a million clips, two have the same with a probability of 3e-8 (birthday bound).
    """
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of every library that changes a number."""
    own = {"audiotl": __version__, "python": platform.python_version()}
    return own | {name: version(name) for name in _LIBRARIES}


def dump_model(classifier: ClipClassifier, card: ModelCard) -> bytes:
    """Return the bytes of a model file; the same model gives the same bytes."""
    import joblib

    buffer = io.BytesIO()
    joblib.dump(model_content(classifier, card), buffer, compress=3)
    return buffer.getvalue()


def model_content(classifier: ClipClassifier, card: ModelCard) -> dict[str, Any]:
    """Return what a model file holds, whatever its form."""
    content = {"format": FORMAT, "card": asdict(card), "pipeline": classifier.pipeline}
    if classifier.rejection is not None:
        content["rejection"] = asdict(classifier.rejection)
    return content


def load_model_file(
    path: Path, trust: str | Sequence[str] = (), *, light: bool = False
) -> tuple[ClipClassifier, ModelCard]:
    """Load a model file; nothing in it runs, unless it is named as trusted.

    Parameters
    ----------
    path : Path
    trust : str or sequence of str
        ``sha256:`` and 64 hexadecimal digits, of files that are loaded whatever they hold.
    light : bool
        Whether a linear model may come without scikit-learn, fit to predict and no more.

    Raises
    ------
    DataError
        There is no such file.
    ArtifactError
        The file is no model, holds what models do not hold, or was made by another version of
        scikit-learn.
    UsageError
        `trust` is no such text.
    """
    trusted = parse_trust(trust)
    return read_model(path, read_packed(path), trusted, light=light)


def read_model(
    path: Path, packed: bytes, trusted: Collection[str] = (), *, light: bool = False
) -> tuple[ClipClassifier, ModelCard]:
    """Make a model of the bytes of its file, whose path is for messages; see `load_model_file`."""
    content = load_content(path, packed, trusted, light=light)
    try:
        if content["format"] != FORMAT:
            raise ArtifactError(f"{path}: format {content['format']}, expected {FORMAT}")
        card = read_card(content["card"])
        calibrator = Calibrator(**card.calibration) if card.calibration else None
        rejection = None
        if "rejection" in content:
            around = Surroundings(**content["rejection"].pop("surroundings"))
            rejection = Rejection(around, **content["rejection"])
        pipeline, labels = content["pipeline"], list(card.labels)
        classifier = ClipClassifier(
            pipeline, labels, card.pooling, card.multi_label, calibrator, rejection
        )
        _try(classifier, card)
    except ArtifactError:
        raise
    except Exception as error:  # whatever is missing in it
        raise ArtifactError(f"{path} is not a model saved by audiotl ({error!r})") from error
    return classifier, card


def _try(classifier: ClipClassifier, card: ModelCard) -> None:
    """Judge a clip: parts that do not fit together fail here, and not among recordings."""
    widths = [spec.dim for spec in card.extractors]
    if not all(0 < width <= MOST_FEATURES for width in widths):
        raise ValueError(f"frames of {widths} values")
    clip = [np.zeros((1, width), np.float32) for width in widths]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores = classifier.scores([clip])
        if scores.shape != (1, len(classifier.labels)):
            raise ValueError(f"{scores.shape[1]} scores for {len(classifier.labels)} labels")
        classifier.told(scores[0])
        classifier.rejects([clip], scores)


def read_card(values: Any) -> ModelCard:
    """Return the card that a model file holds as plain values.

    Raises
    ------
    TypeError
        Something is missing in it, or is of another type.
    """
    card = _typed(ModelCard, values)
    specs = [_typed(ExtractorSpec, spec) for spec in card.extractors]
    if not all(isinstance(label, str) for label in card.labels) or card.pooling not in POOLINGS:
        raise TypeError("labels or pooling in the card")
    return replace(card, extractors=specs)


def _typed(kind: type[Kind], values: Any) -> Kind:
    made = kind(**values)
    for name, hint in get_type_hints(kind).items():
        if not isinstance(getattr(made, name), _types(hint)):
            raise TypeError(f"{name} in the card is a {type(getattr(made, name)).__name__}")
    return made


def _types(hint: Any) -> tuple[type, ...]:
    """Return the types a value may have where a type is expected."""
    if isinstance(hint, UnionType):
        return tuple(one for part in get_args(hint) for one in _types(part))
    plain = get_origin(hint) or hint
    if plain is Sequence:
        return (list, tuple)
    return (float, int) if plain is float else (plain,)
