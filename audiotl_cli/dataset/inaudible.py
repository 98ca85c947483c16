"""Which clips a network hears nothing of, by what ``audiotl index`` measured of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audiotl_cli.audio.channels import place_of
from audiotl_cli.audio.limits import SILENT_SWING
from audiotl_cli.audio.measure import Measurement
from audiotl_cli.dataset.measured import Finding, MeasuredClips
from audiotl_cli.extractor_config import MIX

_WHY = {
    "silent": "they are silent",
    "cancelling_channels": "their channels cancel in the mono mix; audiotl extract --channel left "
    "takes one of them",
    "silent_channel": "the channel that is used is silent; audiotl extract --channel loudest takes "
    "another",
    "beyond_band": "nearly all of their sound is above {khz:.3g} kHz, where it hears nothing",
}


def find_inaudible(
    measured: MeasuredClips, clips: Iterable[tuple[str, str]], made_from: Mapping[str, Any]
) -> dict[str, list[str]]:
    """Return the paths of clips that a network hears nothing of, by reason.

    Parameters
    ----------
    measured : MeasuredClips
        Clips that were not measured are left out.
    clips : iterable of (str, str)
        Path of each clip, and its key.
    made_from : mapping
        How the features of the network are made, as in ``store.json``.
    """
    found: dict[str, list[str]] = {}
    channel = made_from.get("details", {}).get("channel", MIX)
    for path, key in clips:
        if reason := _reason(measured.get(key), made_from.get("sample_rate", 0) / 2, channel):
            found.setdefault(reason, []).append(path)
    return found


def describe_inaudible(
    found: Mapping[str, list[str]], n_clips: int, network: str, made_from: Mapping[str, Any]
) -> list[str]:
    """Return a warning for every reason in what `find_inaudible` returned.

    Parameters
    ----------
    found : mapping
    n_clips : int
        Of how many clips.
    network : str
    made_from : mapping
    """
    khz = made_from.get("sample_rate", 0) / 2000
    return [
        f"{len(paths)} of {n_clips} clips are silent to {network}, such as {paths[0]}: "
        f"{_WHY[reason].format(khz=khz)}"
        for reason, paths in found.items()
    ]


def _reason(found: Finding | None, highest_hz: float, channel: str) -> str:
    if not isinstance(found, Measurement):
        return ""
    if found.swing < SILENT_SWING:
        return "silent"
    if channel == MIX and found.cancels:
        return "cancelling_channels"
    if found.n_channels > 1 and place_of(channel) in found.silent:
        return "silent_channel"
    return "beyond_band" if highest_hz and found.is_beyond(highest_hz) else ""
