"""Measure the networks on several kinds of sounds, and what ``--extractor auto`` chooses there.

``python -m benchmarks.choosing_networks [--work FOLDER] [--draws N] [--only KIND ...]``: ESC-10
(from ``AUDIOTL_SHARED``), the loudest 0.7 s of each of its clips, words spoken by espeak-ng, and
the sounds of the demonstration. Printed are the balanced accuracy of the default classifier with
each network (all clips, five folds dealt three times, groups kept together: source recordings, or
voices), and the seconds that embedding a clip takes. Then 50 training clips are drawn N times as
``auto`` draws them; printed are how often each network is chosen, and how far its accuracy on all
clips is below that of the best of these networks: on average, and at most. Networks whose weights
are not here are left out. With ``--work``, features are kept for the next run.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import soundfile

from audiotl_cli.dataset.index import Index
from audiotl_cli.dataset.options import IndexOptions
from audiotl_cli.experiments.features import labelled_clips
from audiotl_cli.experiments.network_choice import choose_by_score
from audiotl_cli.experiments.network_probe import MOST_CLIPS, Probe, clips_to_probe, probe
from audiotl_cli.extraction import ExtractOptions
from audiotl_cli.extractors.candidates import CANDIDATES
from audiotl_cli.extractors.registry import extractor_class, load_extractor
from audiotl_cli.extractors.verification import has_weights
from audiotl_cli.project import Project
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.workflows.demo import make_demo_sounds
from audiotl_cli.workflows.extract import extract_features
from audiotl_cli.workflows.index import build_index
from benchmarks.corpus import REPOSITORY
from benchmarks.spoken_words import GROUP, write_words

NAMED = ("birdnet",)
"""Measured as well, though never chosen unless named."""

CUT_S = 0.7
CANDIDATE_SETS = {"all free": CANDIDATES, "package index only": CANDIDATES[1:]}
MARGINS = (1.0, 0.0, 2.0)
"""Standard errors within which the first of the networks is taken; the first is the tool's."""


def make_indexes(work: Path) -> dict[str, Index]:
    """Return an index of each kind of sounds."""
    found = {}
    esc10 = Path(os.environ.get("AUDIOTL_SHARED", REPOSITORY.parent / "shared")) / "data" / "esc10"
    if esc10.is_dir():
        whole = _index(work, "esc10", esc10, IndexOptions(dataset="esc10"))
        found = {"ESC-10": whole, f"ESC-10, {CUT_S} s": _index_of_cuts(work, whole)}
    write_words(work / "words")
    found["spoken words"] = _index(work, "words", work / "words", IndexOptions(group_regex=GROUP))
    sounds = make_demo_sounds(Project(work)).sounds
    found["demonstration"] = _index(work, "demo", sounds, IndexOptions())
    return found


def _index(work: Path, name: str, source: Path, options: IndexOptions) -> Index:
    out = Project(work).index_dir / f"{name}.csv"
    return build_index(Project(work), source, out, options).index


def _index_of_cuts(work: Path, whole: Index) -> Index:
    """Index the loudest stretch of each clip."""
    table = work / "cuts.csv"
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label", "group", "start_s", "end_s"])
        for clip in whole.clips:
            path = Path(str(whole.audio_root)) / clip.path
            samples, rate = soundfile.read(path, always_2d=True)
            power = np.concatenate([[0.0], np.cumsum((samples**2).sum(axis=1))])
            n, step = int(CUT_S * rate), rate // 10
            start = int(np.argmax((power[n:] - power[:-n])[::step])) * step / rate
            rows.writerow([path, clip.label, clip.group, start, start + CUT_S])
    return _index(work, "cuts", table, IndexOptions())


def extract(work: Path, index: Index, name: str) -> FeatureStore:
    """Embed the clips that are not stored yet."""
    network = load_extractor(name)
    return extract_features(Project(work), index, network, ExtractOptions()).store


def seconds_a_clip(work: Path, index: Index, name: str) -> float:
    """Return how long embedding a clip takes, once the network is at work."""
    network = load_extractor(name)
    few = replace(index, clips=index.clips[:: -(-len(index.clips) // MOST_CLIPS)])
    seconds = []
    for _ in range(2):  # the first run also starts processes and loads weights
        with tempfile.TemporaryDirectory() as store:
            options = ExtractOptions(store=Path(store))
            report = extract_features(Project(work), few, network, options)
            seconds.append(report.wall_s / report.n_added)
    return min(seconds)


def draw(
    work: Path, index: Index, stores: Mapping[str, FeatureStore], n_draws: int
) -> list[list[Probe]]:
    """Return what every network scores on clips drawn several times."""
    keyed = labelled_clips(Project(work), index, Project(work).features_dir)
    key_of = {(clip.path, clip.start_s): key for clip, key in keyed}
    draws = []
    for seed in range(n_draws):
        few = clips_to_probe(index.clips, seed)
        part = [(clip, key_of[clip.path, clip.start_s]) for clip in few]
        draws.append([probe(store, part, seed) for store in stores.values()])
    return draws


def describe_choices(
    draws: Sequence[Sequence[Probe]],
    whole: Mapping[str, Probe],
    allowed: Sequence[str],
    n_errors: float,
) -> str:
    """Return how often networks are chosen, and what that costs."""
    parts = [[one for one in probes if one.extractor in allowed] for probes in draws]
    chosen = [choose_by_score(part, "", {}, n_errors=n_errors).extractor for part in parts]
    best = max(whole[name].score for name in allowed if name in whole)
    short = [best - whole[name].score for name in chosen]
    counts = ", ".join(f"{name} {n}" for name, n in Counter(chosen).most_common())
    return f"{counts}; below the best by {np.mean(short):.3f} on average, {max(short):.3f} at most"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--draws", type=int, default=12)
    parser.add_argument("--only", nargs="+", help="kinds of sounds, as they are printed")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = asked.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        names = [name for name in (*CANDIDATES, *NAMED) if has_weights(extractor_class(name))]
        print(f"{'sounds':<16} {'network':<9} {'balanced accuracy':<24} seconds a clip")
        for kind, index in make_indexes(work).items():
            if asked.only and kind not in asked.only:
                continue
            stores = {name: extract(work, index, name) for name in names}
            keyed = labelled_clips(Project(work), index, Project(work).features_dir)
            whole = {name: probe(store, keyed, 0) for name, store in stores.items()}
            for name, one in whole.items():
                low, high = one.interval
                score = f"{one.score:.3f} ({low:.3f} to {high:.3f})"
                seconds = seconds_a_clip(work, index, name)
                print(f"{kind:<16} {name:<9} {score:<24} {seconds:.4f}", flush=True)
            draws = draw(work, index, stores, asked.draws)
            for (title, allowed), margin in product(CANDIDATE_SETS.items(), MARGINS):
                text = describe_choices(draws, whole, allowed, margin)
                print(f"{kind}, {title}, within {margin:g} standard errors: {text}", flush=True)


if __name__ == "__main__":
    main()
