"""Settings of a TensorFlow model of the user, from a small JSON file in the same folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.extractors import audioset
from audiotl_cli.json_files import read_json_object

PATCH_S = audioset.PATCH_FRAMES * audioset.STFT_HOP / audioset.SAMPLE_RATE  # 0.96 s


@dataclass(frozen=True)
class Settings:
    """The values in ``MODEL.json``; all of them are optional.

    Parameters
    ----------
    input : {"waveform", "log_mel"}
        ``waveform``: samples in [-1, 1], shape (n_samples,) or (batch, n_samples).
        ``log_mel``: VGGish's patches, (96, 64) or (batch, 96, 64).
    sample_rate : int
        Hz; ``log_mel`` is defined at 16 kHz.
    window_s : float
        Length of a window; default 0.975 (15600 samples at 16 kHz, the input of YAMNet's TFLite
        file) or, for ``log_mel``, 0.96.
    hop_s : float
        Seconds between windows; default `window_s`.
    output : str
        Name of the output; only needed if there are several.
    log_offset : float
        Added to mel magnitudes before the logarithm: 0.01 as VGGish, 0.001 as YAMNet.
    """

    input: str = "waveform"
    sample_rate: int = audioset.SAMPLE_RATE
    window_s: float = 0.0
    hop_s: float = 0.0
    output: str = ""
    log_offset: float = 0.01


def read_settings(path: Path) -> Settings:
    """Read the settings in a file; return the defaults if there is no file.

    Raises
    ------
    UsageError
        The file is not JSON, or has other names or values than `Settings`.
    """
    values: Any = {}
    if path.exists():
        try:
            values = read_json_object(path)
        except (OSError, DataError) as error:
            raise UsageError(f"{path} cannot be read as JSON ({error})") from error
    known = asdict(Settings())
    if not isinstance(values, dict) or not values.keys() <= known.keys():
        raise UsageError(f"{path}: expected an object with some of {', '.join(known)}")
    for name, value in values.items():
        kind = type(known[name])
        fits = isinstance(value, int | float if kind is float else kind)
        if not fits or isinstance(value, bool) or (kind is not str and not 0 < value < 1e6):
            expected = "text" if kind is str else f"{kind.__name__} above 0"
            raise UsageError(f"{path}: {name} is {value!r}, expected {expected}")
    return _with_defaults(Settings(**values), path)


def _with_defaults(settings: Settings, path: Path) -> Settings:
    if settings.input not in ("waveform", "log_mel"):
        raise UsageError(f"{path}: input is {settings.input!r}, expected 'waveform' or 'log_mel'")
    is_patch = settings.input == "log_mel"
    window_s = settings.window_s or (PATCH_S if is_patch else 0.975)
    if is_patch and (settings.sample_rate, window_s) != (audioset.SAMPLE_RATE, PATCH_S):
        raise UsageError(
            f"{path}: log_mel has windows of {PATCH_S} s at {audioset.SAMPLE_RATE} Hz, found "
            f"{window_s} s at {settings.sample_rate} Hz"
        )
    return replace(settings, window_s=window_s, hop_s=settings.hop_s or window_s)
