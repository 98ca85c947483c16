"""Measure how well events are detected in synthetic recordings with known events.

``python -m benchmarks.events ESC10_FOLDER [--fold N] [--extractor NAME] [--folder FOLDER]
[--hour]``: puts the clips of one fold over quiet noise, with 2 to 6 s between them (with
``--hour``, 50 of them into one hour, anywhere), trains ``audiotl
train`` on the other folds, alone and with clips of noise as one more label, and prints what
share of the events ``audiotl predict --segments`` finds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE = 44_100  # Hz
N_RECORDINGS = 4
N_IN_HOUR = 50
N_BACKGROUND = 40  # clips to train on, 5 s each
NOISE_DB = (-60.0, -45.0)  # of full scale, RMS
COLLAR_S = 0.5
BACKGROUND = "background"

Signal = npt.NDArray[np.float64]
Spans = list[tuple[float, float, str]]


def noise(rng: np.random.Generator, seconds: float) -> Signal:
    """Return noise whose power falls by a random power of the frequency, at a random level."""
    n = round(seconds * RATE)
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum /= np.maximum(np.fft.rfftfreq(n, 1 / RATE), 20.0) ** rng.uniform(0, 1)
    signal = np.fft.irfft(spectrum, n)
    level: Signal = signal * 10 ** (rng.uniform(*NOISE_DB) / 20) / signal.std()
    return level


def make_recordings(clips: Sequence[tuple[Path, str]], folder: Path) -> dict[str, Spans]:
    """Write recordings of noise and clips; return the position of each clip without its zeros."""
    import soundfile

    rng = np.random.default_rng(0)
    order = rng.permutation(len(clips))
    truth: dict[str, Spans] = {}
    folder.mkdir(parents=True)
    for number, part in enumerate(np.array_split(order, N_RECORDINGS)):
        sounds = []
        at = rng.uniform(2, 6)
        spans: Spans = []
        for i in part:
            sound, _ = soundfile.read(clips[i][0])
            loud = np.flatnonzero(np.abs(sound) > 1e-3 * np.abs(sound).max())
            sound = sound[loud[0] : loud[-1] + 1]
            sounds.append((round(at * RATE), sound))
            spans.append((at, at + len(sound) / RATE, clips[i][1]))
            at += len(sound) / RATE + rng.uniform(2, 6)
        signal = noise(rng, at)
        for first, sound in sounds:
            signal[first : first + len(sound)] += sound
        path = folder / f"made-{number}.wav"
        soundfile.write(path, np.clip(signal, -1, 1), RATE)
        truth[path.name] = spans
    return truth


def make_hour(clips: Sequence[tuple[Path, str]], folder: Path) -> dict[str, Spans]:
    """Write an hour of noise with `N_IN_HOUR` clips at random places that do not overlap."""
    import soundfile

    rng = np.random.default_rng(0)
    order = rng.permutation(len(clips))[:N_IN_HOUR]
    slots = np.arange(N_IN_HOUR) * (3600 / N_IN_HOUR)
    signal = noise(rng, 3600.0)
    spans: Spans = []
    for i, slot in zip(order, slots, strict=True):
        sound, _ = soundfile.read(clips[i][0])
        loud = np.flatnonzero(np.abs(sound) > 1e-3 * np.abs(sound).max())
        sound = sound[loud[0] : loud[-1] + 1]
        at = slot + rng.uniform(1, 3600 / N_IN_HOUR - 7)
        first = round(at * RATE)
        signal[first : first + len(sound)] += sound
        spans.append((at, at + len(sound) / RATE, clips[i][1]))
    folder.mkdir(parents=True)
    path = folder / "hour.wav"
    soundfile.write(path, np.clip(signal, -1, 1), RATE)
    return {path.name: spans}


def count_hits(found: Spans, truth: Spans, *, offsets: bool) -> int:
    """Return how many events are found: same label and onset within the collar, each counted once.

    With `offsets`, the end must also be right within the collar or a fifth of the event,
    whichever is more.
    """
    left = list(truth)
    for start, end, label in found:
        for event in left:
            near = abs(start - event[0]) <= COLLAR_S and label == event[2]
            slack = max(COLLAR_S, 0.2 * (event[1] - event[0]))
            if near and (not offsets or abs(end - event[1]) <= slack):
                left.remove(event)
                break
    return len(truth) - len(left)


def overlap_scores(found: Spans, truth: Spans, length_s: float) -> tuple[int, int, int]:
    """Return the numbers of correct, predicted and true segments of 0.1 s."""
    labels = sorted({label for *_, label in found + truth})
    grids = []
    for spans in (found, truth):
        grid = np.zeros((len(labels), round(length_s * 10) + 1), dtype=bool)
        for start, end, label in spans:
            grid[labels.index(label), round(start * 10) : round(end * 10)] = True
        grids.append(grid)
    return int((grids[0] & grids[1]).sum()), int(grids[0].sum()), int(grids[1].sum())


def f1(right: int, found: int, true: int) -> float:
    return 2 * right / max(found + true, 1)


def measure(predicted: Sequence[dict[str, object]], truth: dict[str, Spans]) -> dict[str, object]:
    """Return the F1 of onsets, of onsets and offsets, and of segments of 0.1 s."""
    onsets = both = n_found = n_true = 0
    tenths = np.zeros(3, int)
    for record in predicted:
        spans = truth[Path(str(record["path"])).name]
        segments = record["segments"]
        assert isinstance(segments, list)
        found = [(event["start_s"], event["end_s"], event["label"]) for event in segments]
        found = [event for event in found if event[2] != BACKGROUND]
        onsets += count_hits(found, spans, offsets=False)
        both += count_hits(found, spans, offsets=True)
        n_found, n_true = n_found + len(found), n_true + len(spans)
        tenths += overlap_scores(found, spans, spans[-1][1] + 10)
    return {
        "events": n_true,
        "found": n_found,
        "onset_f1": round(f1(onsets, n_found, n_true), 3),
        "onset_offset_f1": round(f1(both, n_found, n_true), 3),
        "tenths_f1": round(f1(*(int(n) for n in tenths)), 3),
    }


def audiotl(*args: object, folder: Path) -> str:
    command = [sys.executable, "-P", "-m", "audiotl_cli", *(str(arg) for arg in args)]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def prepare(esc10: Path, fold: str, folder: Path, *, hour: bool) -> dict[str, Spans]:
    """Prepare training clips, with and without background, and the recordings to search."""
    import soundfile

    clips = [(path, path.parent.name.split(" - ")[-1]) for path in sorted(esc10.glob("*/*.ogg"))]
    for name in ("plain", "with-background"):
        for path, label in clips:
            if not path.name.startswith(f"{fold}-"):
                (folder / name / label).mkdir(parents=True, exist_ok=True)
                (folder / name / label / path.name).symlink_to(path.resolve())
    rng = np.random.default_rng(1)
    (folder / "with-background" / BACKGROUND).mkdir()
    for i in range(N_BACKGROUND):
        path = folder / "with-background" / BACKGROUND / f"{i}.wav"
        soundfile.write(path, noise(rng, 5.0), RATE)
    test = [clip for clip in clips if clip[0].name.startswith(f"{fold}-")]
    make = make_hour if hour else make_recordings
    return make(test, folder / "made")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("esc10", type=Path)
    parser.add_argument("--fold", default="1")
    parser.add_argument("--extractor", default="yamnet")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--hour", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = args.folder or Path(made)
        truth = prepare(args.esc10, args.fold, folder, hour=args.hour)
        for name, more in (
            ("plain", ()),
            ("plain", ("--reject", "0.05")),
            ("with-background", ()),
        ):
            audiotl("index", name, "--test-size", 0, "--overwrite", folder=folder)
            audiotl("extract", "--extractor", args.extractor, folder=folder)
            trained = audiotl("train", *more, "--json", folder=folder)
            model = json.loads(trained)["model"]
            output = audiotl(
                "predict", "made", "--segments", "--model", model, "--json", folder=folder
            )
            print(name, *more, json.dumps(measure(json.loads(output), truth)), flush=True)


if __name__ == "__main__":
    main()
