"""A model's card: how it was made, as plain values that are checked when they are read."""

from __future__ import annotations

import hashlib
import math
import platform
from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from importlib.metadata import version
from types import NoneType, UnionType
from typing import Any, Self, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt

from audiotl_cli import __version__
from audiotl_cli.classifiers.checks import DamagedError
from audiotl_cli.classifiers.event_settings import EventSettings
from audiotl_cli.classifiers.event_thresholds import EventThreshold
from audiotl_cli.classifiers.pooling import POOLINGS
from audiotl_cli.extractor_config import ExtractorConfig

_LIBRARIES = ("scikit-learn", "numpy", "joblib", "tensorflow", "soundfile", "soxr")
SUSPECTED = dict.fromkeys(("expression", "example", "warning"), str) | dict.fromkeys(
    ("n_groups", "n_clips", "n_divided"), int
)
_DEEPEST = 8
_LONGEST, _LONGEST_LABEL = 1_000_000, 10_000  # characters
VERDICT = {"text": str, "level": str, "metric": str, "value": float}
MOST_FEATURES = 1_000_000


@dataclass(frozen=True)
class ExtractorSpec:
    """An extractor as a model needs it.

    Parameters
    ----------
    config : ExtractorConfig
    fingerprint : str
        The feature store's.
    dim : int
    weights : str
        ``published``, ``none``, or ``unverified:`` and the name of a user's own file;
        ``unknown`` for features that came from elsewhere.
    imported : bool
        Whether the features came from elsewhere, so that no audio can be embedded.
    licence : str
        Of the weights, such as ``Apache-2.0``; empty where it is not known.
    """

    config: ExtractorConfig
    fingerprint: str
    dim: int
    weights: str = "published"
    imported: bool = False
    licence: str = ""

    @property
    def name(self) -> str:
        """The extractor's name."""
        return self.config.name

    @property
    def layer(self) -> str:
        """The output of the network; empty where it is not known."""
        return self.config.layer or ""

    @property
    def hop_s(self) -> float:
        """Seconds between windows; 0 where they are not known."""
        return self.config.hop_s or 0.0

    @property
    def engine(self) -> str:
        """What ran the network; empty for TensorFlow, or where there was no choice."""
        return self.config.engine or ""

    @property
    def warning(self) -> str:
        """What reports must say of the weights: whose they are, and what the licence forbids."""
        said = []
        name = self.weights.removeprefix("unverified:")
        if name != self.weights and ":" not in self.name:  # a network file has no published ones
            said.append(f"the weights of {self.name} are not the published ones: {name}")
        if "-NC" in self.licence:
            said.append(
                f"the licence of {self.name}, {self.licence}, forbids commercial use, and what is "
                "made with it keeps this licence"
            )
        return "; ".join(said)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings and the rest, side by side, as plain values fit for JSON."""
        made = {name: value for name, value in vars(self).items() if name != "config"}
        return self.config.to_dict() | made

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """Return the extractor that plain values describe; `DamagedError` if they do not."""
        names = ExtractorConfig.recorded()
        settings = {name: values[name] for name in names if name in _object(cls, values)}
        if "name" not in settings:
            raise DamagedError("the card has an extractor without a name")
        rest = {name: value for name, value in values.items() if name not in names}
        config = ExtractorConfig(**_typed(ExtractorConfig, settings))
        found = cls(config, **_typed(cls, rest, given={"config"}))
        if not 0 < found.dim <= MOST_FEATURES or found.hop_s < 0:
            raise DamagedError(
                f"the card has an extractor with dim {found.dim} and hop_s {found.hop_s}"
            )
        return found


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
        Results of the settings that were tried, the best first; empty without a search.
    combine : str
        How several extractors are combined.
    balance : bool
        Whether all labels count the same.
    balancing : dict or None
        Balanced accuracy by cross-validation on the training clips, ``plain`` and ``balanced``,
        where that decided.
    multi_label : bool
        Whether a clip may have any number of labels.
    streamed : bool
        Whether it was trained block by block, because its frames exceeded the memory limit.
    sqrt : bool
        Whether features were scaled by `SqrtScaler`.
    trained_on : sequence of str
        Marks of the clips it was trained on, sorted; see `clip_mark`; empty where not known.
    calibration : dict or None
        The calibration of scores; see `Calibrator`.
    rejection : dict or None
        ``rate``, the share of known clips that may be rejected, and ``threshold``.
    verdict : dict or None
        Whether it is any use, judged on the clips of `held_out`; see `Verdict`.
    suspected_groups : dict or None
        Sources that file names suggest and that no group keeps apart, with a ``warning``.
    events : dict or None
        How frames become events, of a model of events; see `EventSettings`.
    thresholds : dict
        By label, from which score an event is reported; see `EventThreshold`.
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
    search: Sequence[dict[str, Any]] = field(default_factory=list)
    combine: str = "concat"
    balance: bool = False
    multi_label: bool = False
    streamed: bool = False
    sqrt: bool = False
    trained_on: Sequence[str] = field(default_factory=list)
    calibration: dict[str, Any] | None = None
    rejection: dict[str, Any] | None = None
    verdict: dict[str, Any] | None = None
    balancing: dict[str, Any] | None = None
    suspected_groups: dict[str, Any] | None = None
    events: dict[str, Any] | None = None
    thresholds: dict[str, Any] = field(default_factory=dict)

    @property
    def doubt(self) -> str:
        """Why its score may be too good; empty if there is no reason to think so."""
        return "" if self.suspected_groups is None else str(self.suspected_groups["warning"])

    def to_dict(self) -> dict[str, Any]:
        """Return the card as plain values, fit for JSON."""
        values = vars(self) | {"extractors": [spec.to_dict() for spec in self.extractors]}
        return {
            name: to_plain(value, f"the field {name} of the card") for name, value in values.items()
        }

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """Return the card from plain values.

        Raises
        ------
        DamagedError
            Something is missing, unknown, or of another type; the message says what.
        """
        checked = _typed(cls, values)
        checked["extractors"] = [ExtractorSpec.from_dict(spec) for spec in checked["extractors"]]
        card = cls(**checked)
        _check_described(card.held_out, {"split": str, "n_clips": int, "accuracy": float})
        _check_described(card.rejection, {"rate": float, "threshold": float})
        _check_described(card.balancing, {"plain": float, "balanced": float})
        for name, hint in VERDICT.items() if card.verdict is not None else ():
            _value((card.verdict or {}).get(name), hint, f"verdict.{name}")
        _check_described(card.suspected_groups, SUSPECTED)
        _check_described(card.events, get_type_hints(EventSettings))
        for label, found in card.thresholds.items():
            _check_described(_object(EventThreshold, found), get_type_hints(EventThreshold))
            EventThreshold(**found).check(label, card.labels)
        if len(card.labels) < 2 or len(set(card.labels)) < len(card.labels):
            raise DamagedError("the card has fewer than two labels, or a repeated label")
        if max(map(len, card.labels)) > _LONGEST_LABEL:
            raise DamagedError(f"the card has a label of more than {_LONGEST_LABEL} characters")
        if card.pooling not in POOLINGS or not card.extractors:
            raise DamagedError(
                f"the card has the pooling {ascii(card.pooling)[:60]} and "
                f"{len(card.extractors)} extractors"
            )
        return card


def _check_described(described: dict[str, Any] | None, hints: Mapping[str, type]) -> None:
    if described is None:
        return
    if described.keys() != hints.keys():
        raise DamagedError(f"the card has {sorted(described)}, expected {sorted(hints)}")
    for name, hint in hints.items():
        _value(described[name], hint, name)


def clip_mark(key: str) -> str:
    """Return 16 hexadecimal digits that identify a clip, from its key in the store.

    Among a million clips, two have the same with a probability of 3e-8 (birthday bound).
    """
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def marks_to_array(marks: Sequence[str]) -> npt.NDArray[np.uint64]:
    """Return marks of clips as numbers, which take less memory."""
    return np.array([int(mark, 16) for mark in marks], np.uint64)


def marks_from_array(numbers: npt.NDArray[np.uint64]) -> list[str]:
    """Return the marks of clips from their numbers."""
    return [f"{number:016x}" for number in numbers.tolist()]


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of all libraries that affect results."""
    own = {"audiotl": __version__, "python": platform.python_version()}
    return own | {name: version(name) for name in _LIBRARIES}


def _object(kind: type, values: Any) -> dict[str, Any]:
    """Return plain values for a dataclass; `DamagedError` unless they are a dictionary."""
    if type(values) is not dict:
        raise DamagedError(
            f"the card has a {type(values).__name__} where a {kind.__name__} is expected"
        )
    return values


def _typed(kind: type, values: Any, *, given: Collection[str] = ()) -> dict[str, Any]:
    """Return plain values for the fields of a dataclass, each of the type that it has there.

    Fields that are `given` already are not among the values.
    """
    hints = get_type_hints(kind)
    wanted = [item for item in fields(kind) if item.name not in given]
    unknown = _object(kind, values).keys() - {item.name for item in wanted}
    if unknown:
        name = min(ascii(name) for name in unknown)
        raise DamagedError(f"the card has the unknown field {name[:60]}")
    found = {}
    for item in wanted:
        if item.name in values:
            found[item.name] = _value(values[item.name], hints[item.name], item.name)
        elif item.default is MISSING and item.default_factory is MISSING:
            raise DamagedError(f"the card has no {item.name}")
    return found


def _value(value: Any, hint: Any, name: str) -> Any:
    """Return a value after checking its type and the types of its elements."""
    if not _is_a(value, hint):
        raise DamagedError(f"the field {name} of the card is a {type(value).__name__}")
    inner = get_args(hint)[-1:] if get_origin(hint) in (Sequence, dict) else ()
    if inner and inner[0] is not Any and not is_dataclass(inner[0]):
        for part in value.values() if isinstance(value, dict) else value:
            _value(part, inner[0], name)
    return to_plain(value, f"the field {name} of the card")


def _is_a(value: Any, hint: Any) -> bool:
    if isinstance(hint, UnionType):
        return any(_is_a(value, part) for part in get_args(hint))
    kind = get_origin(hint) or hint
    if kind is Sequence:
        return isinstance(value, list | tuple)
    if kind in (int, float):
        return isinstance(value, int if kind is int else float | int) and type(value) is not bool
    return value is None if kind is NoneType else isinstance(value, kind)


def to_plain(value: Any, name: str, depth: int = _DEEPEST) -> Any:
    """Return a copy of a value made of dictionaries, lists, texts and numbers.

    Raises
    ------
    DamagedError
        It holds other values, too long a text, or is nested too deeply.
    """
    if not depth:
        raise DamagedError(f"{name} is more than {_DEEPEST} levels deep")
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise DamagedError(f"{name} has a key that is not text")
        return {key: to_plain(part, name, depth - 1) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(part, name, depth - 1) for part in value]
    if isinstance(value, str) and len(value) <= _LONGEST:
        return value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 2**63:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    raise DamagedError(f"{name} holds {ascii(value)[:60]}, expected text, numbers, lists or keys")
