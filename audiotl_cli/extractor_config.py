"""The settings of an extractor, one object from the command line to a model's card and back.

To add a setting, add a field to `ExtractorConfig` and read it where it is used, as
``extractor.config.NAME``. Its option of ``audiotl extract``, its place in the fingerprint of
features, in ``store.json`` and in the card of a model follow from the field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from types import NoneType
from typing import Any, Self, get_args, get_type_hints

RESAMPLERS = ("soxr", "resampy")
"""``soxr`` is its HQ setting; ``resampy`` is ``kaiser_best``, which older tools used."""

MIX, LEFT, RIGHT, LOUDEST = "mix", "left", "right", "loudest"
CHANNELS = (MIX, LEFT, RIGHT, LOUDEST)

AUTO, ONNX, TENSORFLOW, NCNN = "auto", "onnx", "tensorflow", "ncnn"
ENGINES = (AUTO, ONNX, TENSORFLOW, NCNN)

_DESCRIBED_APART = ("layer", "hop_s", "resampler")
"""The description of features has fields of their own for these."""


def setting(
    description: str, default: Any = None, *, choices: tuple[str, ...] = (), unrecorded: Any = None
) -> Any:
    """Return a field of `ExtractorConfig` that changes numbers, and so is part of fingerprints.

    Parameters
    ----------
    description : str
        The help of its option.
    default
        Features made with it have the fingerprint that they had before the setting existed.
    choices : tuple of str
        The values it may have; empty for any of its type.
    unrecorded
        The value, other than `default`, of features whose description does not name the setting.
    """
    metadata = {"help": description, "choices": choices, "unrecorded": unrecorded}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class ExtractorConfig:
    """What features are made with.

    Parameters
    ----------
    name : str
        The name of an extractor, or ``onnx:FILE``, ``tflite:FILE`` or
        ``savedmodel:FOLDER``.
    hop_s : float or None
        Seconds between windows; None is the network's default.
    layer : str or None
        An output of the network; None is its default.
    resampler : {"soxr", "resampy"}
    channel : {"mix", "left", "right", "loudest"}
        Which channel of a recording is used: the mean of all, the first, the second, or of each
        clip the one with the most power. A recording with one channel is used as it is.
    engine : {"auto", "onnx", "tensorflow", "ncnn"} or None
        Library that runs the network; None is ``onnx`` for all networks that it can run. In a card,
        and in the description of features, None is ``tensorflow``, or a network without a choice.
    padding_s : float or None
        Seconds of silence before and after every recording, for networks that are meant to have
        it; None is the network's default.
    weights : Path or None
        A file of weights other than the published one. A card and ``store.json`` name the
        weights by their hash instead.

    Examples
    --------
    >>> config = ExtractorConfig("mfcc", hop_s=0.5)
    >>> config.changed(layer="statistics", hop_s=None).hop_s
    0.5
    """

    name: str = "musicnn"
    hop_s: float | None = setting("Seconds between windows.  [default: the network's]")
    layer: str | None = setting("Output of the network.  [default: the network's]")
    resampler: str = setting("Method of resampling.", "soxr", choices=RESAMPLERS)
    channel: str = setting(
        "The channel that is used: the mean of all, the first, the second, or in each clip the "
        "one with the most power.",
        MIX,
        choices=CHANNELS,
    )
    engine: str | None = setting(
        "Library that runs the network; auto uses ncnn (audiotl\\[fast]) for vggish and openl3, "
        "which it runs faster.  [default: onnx]",
        choices=ENGINES,
        unrecorded=TENSORFLOW,
    )
    padding_s: float | None = setting(
        "Seconds of silence before and after every recording (speech).  [default: the network's]"
    )
    weights: Path | None = None

    def changed(self, **settings: Any) -> Self:
        """Return this configuration with those settings that differ from their defaults."""
        defaults = {item.name: item.default for item in fields(self)}
        return replace(
            self, **{name: value for name, value in settings.items() if value != defaults[name]}
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the name and all settings as plain values, fit for JSON."""
        return {name: getattr(self, name) for name in self.recorded()}

    def details(self) -> dict[str, Any]:
        """Return what the description of features holds of these settings among its details.

        Settings at their default are left out: the fingerprints of features do not change when
        audiotl learns a new setting.
        """
        return {
            item.name: getattr(self, item.name)
            for item in _detailed(type(self))
            if getattr(self, item.name) not in (item.default, item.metadata["unrecorded"])
        }

    @classmethod
    def of_description(cls, name: str, made_from: Mapping[str, Any]) -> Self:
        """Return the configuration that gives features of a description.

        Parameters
        ----------
        name : str
            Of the extractor.
        made_from : mapping
            Checked, as `store.description` does; fields may be missing where the features come
            from another program.
        """
        has_hop = {"hop", "sample_rate"} <= made_from.keys()
        details = made_from.get("details", {})
        return cls(
            name=name,
            layer=made_from.get("layer") or None,
            hop_s=made_from["hop"] / made_from["sample_rate"] if has_hop else None,
            resampler=made_from.get("resampler", cls.resampler),
            **{name: details[name] for name in cls.types_of_details() if name in details},
        )

    @classmethod
    def recorded(cls) -> list[str]:
        """Return the names of the fields that a card holds: the name and every setting."""
        return ["name", *(item.name for item in _settings(cls))]

    @classmethod
    def types_of_details(cls) -> dict[str, type]:
        """Return the type of each setting that may be among the details of a description."""
        hints = get_type_hints(cls)
        found = {}
        for item in _detailed(cls):
            hint = hints[item.name]
            found[item.name] = next(
                kind for kind in get_args(hint) or (hint,) if kind is not NoneType
            )
        return found


def _settings(kind: type[ExtractorConfig]) -> list[Field[Any]]:
    return [item for item in fields(kind) if "help" in item.metadata]


def _detailed(kind: type[ExtractorConfig]) -> list[Field[Any]]:
    return [item for item in _settings(kind) if item.name not in _DESCRIBED_APART]
