"""Measure how well events are found in recordings that are made from ESC-10.

``python -m benchmarks.events ESC10_FOLDER [--fold N] [--extractor NAME] [--folder FOLDER]``: makes
recordings from the clips of one fold, at two sites (rain and sea; noise with hum) and three levels
of background; trains on the other folds ``audiotl train`` and ``audiotl train --for events
--background`` with other background of the site; and prints F1 of what ``audiotl predict
--segments`` finds with each. With ``--other-site``, the background to train on is that of the
other site; with ``--no-background``, there is none.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.event_recordings import (
    BEDS,
    LEVELS_DB,
    SITES,
    Made,
    Spans,
    is_of,
    list_clips,
    make_site,
)

COLLAR_S = 0.5
METRICS = ("onsets", "onsets and offsets", "1-s segments")


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


def segment_hits(found: Spans, truth: Spans) -> tuple[int, int, int]:
    """Return the numbers of correct, predicted and true segments of 1 s, each of a label."""
    held = [
        {
            (label, second)
            for start, end, label in spans
            for second in range(int(start), int(np.ceil(end)))
        }
        for spans in (found, truth)
    ]
    return len(held[0] & held[1]), len(held[0]), len(held[1])


def f1_scores(found: Sequence[Spans], truth: Sequence[Spans]) -> list[float]:
    """Return F1 by each of `METRICS`, over several recordings."""
    counts = np.zeros((3, 2), int)
    for here, true in zip(found, truth, strict=True):
        right, n_found, n_true = segment_hits(here, true)
        n_events = len(here) + len(true)
        counts[0] += count_hits(here, true, offsets=False), n_events
        counts[1] += count_hits(here, true, offsets=True), n_events
        counts[2] += right, n_found + n_true
    return [float(2 * right / max(1, n)) for right, n in counts]


def audiotl(*args: object, folder: Path) -> str:
    command = [sys.executable, "-P", "-m", "audiotl_cli", *(str(arg) for arg in args)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def find_events(model: str, made: Sequence[Made], folder: Path) -> list[Spans]:
    """Return what a model finds in recordings."""
    paths = [item.path for item in made]
    output = audiotl("predict", *paths, "--segments", "--model", model, "--json", folder=folder)
    return [
        [(event["start_s"], event["end_s"], event["label"]) for event in found["segments"]]
        for found in json.loads(output)
    ]


def prepare(esc10: Path, fold: str, extractor: str, folder: Path) -> list[Made]:
    """Make recordings, and extract the clips to train on."""
    clips = list_clips(esc10)
    for path, label in clips:
        if not is_of(path, fold) and label not in BEDS:
            (folder / "clips" / label).mkdir(parents=True, exist_ok=True)
            (folder / "clips" / label / path.name).symlink_to(path.resolve())
    held_out = [clip for clip in clips if is_of(clip[0], fold)]
    rng = np.random.default_rng(int(fold))
    made = [item for site in SITES for item in make_site(site, held_out, folder / _name(site), rng)]
    audiotl("index", "clips", "--test-size", 0, "--no-audit", folder=folder)
    audiotl("extract", "--extractor", extractor, folder=folder)
    return made


def _name(site: str) -> str:
    return site.replace(" ", "-")


def show(name: str, made: Sequence[Made], found: Sequence[Spans]) -> None:
    """Print F1 of each site and level, and their means."""
    conditions = defaultdict[tuple[str, float], list[int]](list)
    for i, item in enumerate(made):
        conditions[item.site, item.level_db].append(i)
    scores = {
        key: f1_scores([found[i] for i in rows], [made[i].spans for i in rows])
        for key, rows in conditions.items()
    }
    print(f"{name}: {sum(map(len, found))} found of {sum(len(item.spans) for item in made)}")
    for key, values in [*scores.items(), ("mean", np.mean(list(scores.values()), axis=0))]:
        shown = key if isinstance(key, str) else f"{key[0]}, {key[1]:.0f} dB"
        print(f"  {shown:24}", *(f"{value:.3f}" for value in values), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("esc10", type=Path)
    parser.add_argument("--fold", default="2")
    parser.add_argument("--extractor", default="yamnet")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--other-site", action="store_true")
    parser.add_argument("--no-background", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        made = prepare(args.esc10, args.fold, args.extractor, folder)
        print(f"fold {args.fold}, {args.extractor}; F1 of {', '.join(METRICS)}; {LEVELS_DB} dB")
        clip_model = json.loads(audiotl("train", "--json", folder=folder))["model"]
        show("clips", made, find_events(clip_model, made, folder))
        found: list[Spans] = []
        for number, site in enumerate(SITES):
            of_site = SITES[1 - number] if args.other_site else site
            given = () if args.no_background else ("--background", f"{_name(of_site)}/background")
            output = audiotl("train", "--for", "events", *given, "--json", folder=folder)
            model = json.loads(output)["model"]
            found += find_events(model, [item for item in made if item.site == site], folder)
        show("events", made, found)


if __name__ == "__main__":
    main()
