"""Measure what balancing brings where labels are unbalanced.

``python -m benchmarks.balance PROJECT [--extractor NAME] [--classifier NAME ...] [--draws N]
[--as-it-is]``: the newest index of a project folder, whose features are extracted. Five labels
are drawn, of which the first is two labels of the index together, and thinned to 40, 8, 4, 2 and 1
clips to train on; the clips of the fold held out (or of the test split) are tested. This is
repeated, and the mean balanced accuracy is printed without balancing, with it, and with what
``--balance auto`` decides. With ``--as-it-is``, the index is cross-validated in five folds instead.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.dataset.index import Index
from audiotl_cli.evaluation.protocols import Protocol
from audiotl_cli.experiments.balance import decide_balance
from audiotl_cli.experiments.cross_validation import deal_rounds
from audiotl_cli.experiments.features import LabelledFeatures, read_features
from audiotl_cli.experiments.training import fit_rows
from audiotl_cli.project import Project

COUNTS = (40, 8, 4, 2, 1)
HOW = ("off", "on", "auto")
Case = tuple[LabelledFeatures, list[int], list[int]]


def thinned(data: LabelledFeatures, draws: int) -> Iterator[Case]:
    """Yield clips with unequal labels, the positions to train on and those to test."""
    labels = np.array(data.labels)
    sides = np.array([clip.fold or clip.split for clip in data.clips])
    held_out = [side for side in sorted(set(sides)) if side != "train"]
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        order = rng.permutation(sorted(set(labels))).tolist()
        merged = np.where(labels == order[1], order[0], labels)
        clips = [
            replace(clip, label=str(label), fold="")
            for clip, label in zip(data.clips, merged, strict=True)
        ]
        unequal = replace(data, clips=clips)
        kept = [order[0], *order[2:6]]
        for side in held_out:
            train: list[int] = []
            for label, n in zip(kept, COUNTS, strict=True):
                of_label = np.flatnonzero((merged == label) & (sides != side))
                train += rng.permutation(of_label)[:n].tolist()
            test = np.flatnonzero(np.isin(merged, kept) & (sides == side)).tolist()
            yield unequal, sorted(train), test


def as_it_is(data: LabelledFeatures) -> Iterator[Case]:
    """Yield five folds of the clips."""
    for rounds in deal_rounds(data.clips, Protocol(5), 0):
        for part in rounds:
            yield data, part.train, part.test


def measure(cases: Sequence[Case], classifier: str, *, together: bool) -> list[dict[str, float]]:
    """Return the scores of each way to balance.

    With `together`, the cases are the folds of one set of clips, scored as a whole.
    """
    rows = []
    for how in HOW:
        truth: list[list[str]] = []
        found: list[list[str]] = []
        n_balanced = 0
        for data, train, test in cases:
            options = ClassifierOptions(
                classifier, balance={"off": False, "on": True, "auto": None}[how]
            )
            options = decide_balance(data, train, options).options
            n_balanced += bool(options.balance)
            model = fit_rows(data, train, options)
            truth.append([data.labels[i] for i in test])
            found.append(model.predict([data.frames[i] for i in test]))
        if together:
            truth, found = [list(chain(*truth))], [list(chain(*found))]
        pairs = list(zip(truth, found, strict=True))
        balanced = [balanced_accuracy_score(a, b) for a, b in pairs]
        rows.append(
            {
                "balanced_accuracy": float(np.mean(balanced)),
                "error": float(np.std(balanced) / np.sqrt(len(balanced))),
                "accuracy": float(np.mean([accuracy_score(a, b) for a, b in pairs])),
                "commonest": float(np.mean([1 / len(set(a)) for a, _ in pairs])),
                "n_balanced": n_balanced / len(cases),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path)
    parser.add_argument("--extractor")
    parser.add_argument("--classifier", nargs="+", default=["logreg"])
    parser.add_argument("--draws", type=int, default=8)
    parser.add_argument("--as-it-is", action="store_true")
    asked = parser.parse_args()
    project = Project(asked.project)
    index = Index.read(project.newest_index())
    names = [asked.extractor] if asked.extractor else []
    data = read_features(project, index, None, names, {"mean+std"})
    cases = list(as_it_is(data) if asked.as_it_is else thinned(data, asked.draws))
    print("classifier     balance  balanced accuracy  accuracy  always the commonest  balanced in")
    for classifier in asked.classifier:
        rows = measure(cases, classifier, together=asked.as_it_is)
        for how, row in zip(HOW, rows, strict=True):
            print(
                f"{classifier:<14} {how:<7}  {row['balanced_accuracy']:.3f} ± {row['error']:.3f}"
                f"      {row['accuracy']:.3f}     {row['commonest']:.3f}"
                f"                 {row['n_balanced']:.0%}"
            )


if __name__ == "__main__":
    main()
