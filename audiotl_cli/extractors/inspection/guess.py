"""Guess the settings of a network file from what it takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audiotl_cli.extractors.inspection.described import NetworkFile, Sizes

N_MELS = (32, 40, 64, 80, 96, 128, 229, 256)  # usual numbers of bands
RATES = (16_000, 32_000, 48_000, 44_100, 22_050)  # likeliest first
KNOWN_LENGTHS = {15_600: 16_000, 144_000: 48_000}  # samples: YAMNet and BirdNET
FREE_WINDOW_S = 5.0  # where a network takes any length
FRAMES_PER_S = 100  # of nearly all front ends


@dataclass(frozen=True)
class Guess:
    """Settings to start from.

    Parameters
    ----------
    settings : dict
        For the JSON file beside the network.
    checks : list of str
        What the file does not say, so that a person must.
    """

    settings: dict[str, Any]
    checks: list[str]


def guess_settings(file: NetworkFile) -> Guess:
    """Return settings to start from, and what to check in them."""
    checks: list[str] = []
    settings = _input(file.inputs[0].shape if len(file.inputs) == 1 else None, checks)
    stated = _stated_rate(file.metadata)
    if stated and "sample_rate" in settings:
        n_samples = settings["window_s"] * settings["sample_rate"]
        settings["sample_rate"] = stated
        if settings["input"] == "waveform":
            settings["window_s"] = round(n_samples / stated, 6)
    elif settings.get("input") in ("waveform", "mel_db", "kaldi_fbank"):
        checks.append(f"sample_rate: {settings['sample_rate']} is a guess; the file does not say")
    if file.candidates:
        best = file.candidates[0]
        settings["output"] = best.name
        if best.average_over:
            settings["average_over"] = list(best.average_over)
        checks.append(f"output: {best.name!r} is a guess; the candidates are in the list above")
    return Guess(settings, checks)


def _input(shape: Sizes | None, checks: list[str]) -> dict[str, Any]:
    """Return the settings of what a network with an input of a shape takes."""
    layout, sizes = _layout(shape or ())
    if "mel" in layout:
        return _front_end(layout, sizes, checks)
    if "time" not in layout:
        checks.append("input: what the network takes is not understood; describe it yourself")
        return {"input": "waveform"}
    n_samples = sizes["time"]
    if n_samples is None:
        rate, window_s = 16_000, FREE_WINDOW_S
        checks.append("window_s: the network takes any length; choose one that suits your sounds")
    else:
        whole = [rate for rate in RATES if n_samples % rate == 0]
        rate = KNOWN_LENGTHS.get(n_samples) or next(iter(whole), RATES[0])
        window_s = round(n_samples / rate, 6)
    checks.append("input: samples from -1 to 1; networks that expect other numbers need mean, std")
    return {
        "input": "waveform",
        "sample_rate": rate,
        "window_s": window_s,
        "hop_s": window_s,
        "layout": " ".join(layout),
    }


def _front_end(
    layout: list[str], sizes: Mapping[str, int | None], checks: list[str]
) -> dict[str, Any]:
    n_mels, n_frames = sizes["mel"], sizes["time"]
    window_s = round(n_frames / FRAMES_PER_S, 6) if n_frames else FREE_WINDOW_S
    found: dict[str, Any] = {"window_s": window_s, "hop_s": window_s, "layout": " ".join(layout)}
    if (n_frames, n_mels) == (96, 64):
        checks.append("log_offset: 0.01 as VGGish; YAMNet's is 0.001")
        return {"input": "log_mel", "sample_rate": 16_000, "log_offset": 0.01} | found
    if n_frames == 3000 and n_mels in (80, 128):
        return {"input": "whisper", "sample_rate": 16_000, "n_mels": n_mels} | found
    checks.append(
        "input: bands and frames are known, not how they are computed; kaldi_fbank and mel_db have "
        "further parameters, and networks often need mean and std"
    )
    if not n_frames:
        checks.append("window_s: the network takes any length; choose one that suits your sounds")
    bands = {"sample_rate": 16_000, "n_mels": n_mels}
    if n_mels in (80, 128):
        more = {"n_frames": n_frames} if n_frames else {}
        return {"input": "kaldi_fbank"} | bands | found | more
    if n_frames and n_frames > 1:  # frames are centred, so that there is one more
        found["window_s"] = found["hop_s"] = round((n_frames - 1) / FRAMES_PER_S, 6)
    return {"input": "mel_db", "n_fft": 512, "frame_hop": 160} | bands | found


def _layout(shape: Sizes) -> tuple[list[str], dict[str, int | None]]:
    """Return the axes of an input as far as its shape says, and the lengths of time and mel."""
    batched = len(shape) > 1 and shape[0] in (None, 1)
    inner = list(shape[1:] if batched else shape)
    long = [place for place, size in enumerate(inner) if size != 1]
    if len(long) not in (1, 2):
        return [], {}
    roles = dict.fromkeys(long, "time")
    if len(long) == 2:
        bands = [place for place in long if inner[place] in N_MELS]
        if not bands:
            return [], {}
        roles[min(bands, key=lambda place: (inner[place] == 96, inner[place]))] = "mel"
        if list(roles.values()).count("mel") != 1:
            return [], {}
    axes = [roles.get(place, "1") for place in range(len(inner))]
    return ["batch"] * batched + axes, {role: inner[place] for place, role in roles.items()}


def _stated_rate(metadata: Mapping[str, str]) -> int:
    """Return the sample rate that a file states; 0 if it does not."""
    for name in ("sample_rate", "sampling_rate", "samplerate", "sr"):
        text = metadata.get(name, "")
        if text.isascii() and text.isdigit() and 1000 <= int(text[:7]) <= 400_000:
            return int(text[:7])
    return 0
