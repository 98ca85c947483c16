"""Settings of a network file of the user, from a small JSON file in the same folder."""

from __future__ import annotations

import json
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.extractors.front_ends import FrontEnd, find_front_ends
from audiotl_cli.extractors.front_ends.waveform import Samples
from audiotl_cli.extractors.model_layout import Layout, parse_layout
from audiotl_cli.json_files import read_json_object
from audiotl_cli.spelling import did_you_mean

MAX_WINDOW_S, MAX_SAMPLES, MAX_FRAMES = 3600, 1 << 25, 1 << 20
LARGEST = 1e6  # of any number
_WORDS: dict[type, str] = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
}


@dataclass(frozen=True)
class Settings:
    """The values in ``MODEL.json``; all of them are optional.

    The parameters of the front end stand beside them, see `extractors.front_ends`.

    Parameters
    ----------
    front_end : FrontEnd
        ``input`` is its name; ``waveform`` by default.
    window_s : float
        Length of a window; default that of the front end.
    hop_s : float
        Seconds between windows; default `window_s`.
    output : str
        Name of the output or, in an ONNX or TFLite file, of any tensor; only needed if there are
        several outputs.
    layout : str
        Axes of the input, such as ``batch 1 mel time``; by default ``batch``, ``time`` and
        ``mel``, then axes of length 1.
    n_frames : int
        Frames the network takes: more are cut off, fewer are filled up with zeros before `mean`
        and `std`. 0 takes those of a window.
    min_s : float
        The shortest window, where the network takes windows of any length: the last one is then
        what is left. 0 fills it up with zero samples.
    mean, std : float
        The mean is taken off all values of the front end, which are then divided by `std`.
    average_over : list of int
        The axes of the output that are averaged, where it is more than a vector.
    """

    front_end: FrontEnd = field(default_factory=Samples)
    window_s: float = 0.0
    hop_s: float = 0.0
    output: str = ""
    layout: str = ""
    n_frames: int = 0
    min_s: float = 0.0
    mean: float = 0.0
    std: float = 1.0
    average_over: tuple[int, ...] = ()

    @property
    def axes(self) -> Layout | None:
        return parse_layout(self.layout, self.front_end.axes) if self.layout else None

    @property
    def keeps_length(self) -> bool:
        """Return whether the last window of a recording is not filled up with zero samples."""
        return self.n_frames > 0 or self.min_s > 0

    def shown(self) -> str:
        """Return the settings in use as text."""
        windows = {"window_s": self.window_s, "hop_s": self.hop_s, "output": self.output}
        rate = {"sample_rate": self.front_end.sample_rate}
        return json.dumps(self.details() | rate | windows)

    def details(self) -> dict[str, Any]:
        """Return what changes values, besides the sample rate, the windows and the output."""
        own = {name: getattr(self, name) for name in _AFTER_FRONT_END}
        changed = {name: value for name, value in own.items() if value != _DEFAULTS[name]}
        if self.average_over:
            changed["average_over"] = list(self.average_over)
        return {"input": self.front_end.name} | self.front_end.parameters() | changed


_DEFAULTS: dict[str, Any] = {
    own.name: own.default for own in fields(Settings) if own.default is not MISSING
}
_AFTER_FRONT_END = ("layout", "n_frames", "min_s", "mean", "std", "average_over")


def read_settings(path: Path) -> Settings:
    """Read the settings in a file; return the defaults if there is no file.

    Raises
    ------
    UsageError
        The file is not JSON, or has names or values that do not fit.
    """
    values: dict[str, Any] = {}
    if path.exists():
        try:
            values = read_json_object(path)
        except (OSError, DataError) as error:
            raise UsageError(f"{path} cannot be read as JSON ({error})") from error
    try:
        return parse_settings(values)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None


def parse_settings(values: dict[str, Any]) -> Settings:
    """Return the settings in an object; ValueError if they do not fit."""
    front_ends = find_front_ends()
    name = values.get("input", Samples.name)
    if name not in front_ends:
        choices = ", ".join(map(repr, front_ends))
        meant = did_you_mean(name, front_ends) if isinstance(name, str) else ""
        raise ValueError(f"input is {name!r}, expected one of {choices}{meant}")
    own = {known.name: known for known in fields(front_ends[name])}
    known = ["input", *own, *_DEFAULTS]
    for key in values:
        if key not in known:
            raise ValueError(
                f"no setting {key!r}; expected an object with some of {', '.join(known)}"
                f"{did_you_mean(key, known)}"
            )
    typed = {
        key: _typed(key, value, own[key].default if key in own else _DEFAULTS[key])
        for key, value in values.items()
        if key not in ("input", "average_over")
    }
    front_end = front_ends[name](**{key: value for key, value in typed.items() if key in own})
    rest = {key: value for key, value in typed.items() if key in _DEFAULTS}
    rest["average_over"] = _axes(values.get("average_over", []))
    return _checked(Settings(front_end=front_end, **rest))


def _typed(name: str, value: Any, default: Any) -> Any:
    """Return a value in the type of its default, so that 80 and 80.0 have one fingerprint."""
    kind = type(default)
    wanted: Any = int | float if kind is float else kind
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{name} is {value!r}, expected {_WORDS[kind]}")
    if kind in (int, float):
        lowest = -LARGEST if name == "mean" else 0
        if not lowest <= value <= LARGEST:
            raise ValueError(
                f"{name} is {value!r}, expected a number from {lowest:g} to {LARGEST:g}"
            )
    return kind(value)


def _axes(value: Any) -> tuple[int, ...]:
    fits = isinstance(value, list) and all(type(axis) is int and 1 <= axis < 8 for axis in value)
    if not fits or len(set(value)) != len(value):
        raise ValueError(
            f"average_over is {value!r}, expected a list of axes, such as [1]; axis 0 is that of "
            "windows"
        )
    return tuple(sorted(value))


def _checked(settings: Settings) -> Settings:
    """Fill in the defaults of a window and a hop; ValueError if settings contradict each other."""
    front_end = settings.front_end
    window_s = settings.window_s or front_end.default_window_s
    if window_s > MAX_WINDOW_S or front_end.window(window_s) > MAX_SAMPLES:
        raise ValueError(
            f"window_s is {window_s:g}, expected at most {MAX_WINDOW_S} s and {MAX_SAMPLES} samples"
        )
    if settings.n_frames and len(front_end.axes) < 2:
        raise ValueError(f"n_frames is for front ends with frames, not for {front_end.name}")
    if settings.n_frames and settings.min_s:
        raise ValueError("n_frames and min_s exclude each other: a fixed length, or a variable one")
    if settings.min_s > window_s:
        raise ValueError(f"min_s is {settings.min_s:g}, expected at most window_s, {window_s:g}")
    if settings.n_frames > MAX_FRAMES:
        raise ValueError(f"n_frames is {settings.n_frames}, expected at most {MAX_FRAMES}")
    if settings.std == 0:
        raise ValueError("std is 0, expected a number above 0")
    if settings.layout:
        parse_layout(settings.layout, front_end.axes)
    return replace(settings, window_s=window_s, hop_s=settings.hop_s or window_s)
