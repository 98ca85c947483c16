"""Compare clips suggested by ``audiotl label`` with random clips for training.

``python -m benchmarks.labelling INDEX STORE [--seeds N] [--first N]``: for every fold of the
index and every seed, two clips a label of the other folds, of different groups, have a label at
first. Then ten clips a round are labelled, those suggested or as many drawn at random, until there
are ten a label on average. Prints the accuracy on the fold left out, round by round. Everything is
as `audiotl train` and `audiotl label` do it, at their defaults.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.training import fit_quietly
from audiotl_cli.dataset.index import Index
from audiotl_cli.experiments.features import LabelledFeatures, pool_rows, read_features
from audiotl_cli.project import Project
from audiotl_cli.review.selection import doubt, suggest
from audiotl_cli.review.similarity import POOLING, SimilarityScale

START, GOAL, A_ROUND = 2, 10, 10
RULES = ("random", "suggested")


def first_clips(data: LabelledFeatures, pool: list[int], rng: np.random.Generator) -> list[int]:
    """Return clips of different groups, `START` of every label."""
    chosen: list[int] = []
    for label in sorted(set(data.labels)):
        groups: set[str] = set()
        for i in rng.permutation([i for i in pool if data.labels[i] == label]):
            if len(groups) < START and data.clips[i].group not in groups:
                groups.add(data.clips[i].group)
                chosen.append(int(i))
    return chosen


def next_clips(
    data: LabelledFeatures, model: ClipClassifier, known: list[int], unlabelled: list[int]
) -> list[int]:
    """Return the suggested clips among `unlabelled`."""
    doubts = doubt(model.scores([data.frames[i] for i in unlabelled]))
    vectors = pool_rows(data, [*known, *unlabelled], POOLING)
    units = SimilarityScale.measure(vectors).units(vectors)
    groups = [data.clips[i].group or None for i in unlabelled]
    n = len(known)
    return [unlabelled[i] for i in suggest(units[n:], doubts, units[:n], groups, A_ROUND)]


def grow(data: LabelledFeatures, fold: str, seed: int, rule: str) -> list[float]:
    """Return the accuracy on a fold after every round, the first of `START` clips a label."""
    rng = np.random.default_rng([seed, int(fold)])
    pool = [i for i, clip in enumerate(data.clips) if clip.fold != fold]
    test = [i for i, clip in enumerate(data.clips) if clip.fold == fold]
    known = first_clips(data, pool, rng)
    accuracies = []
    while True:
        model = fit_quietly(
            [data.frames[i] for i in known], [data.labels[i] for i in known], ClassifierOptions()
        )
        predicted = model.predict([data.frames[i] for i in test])
        accuracies.append(
            float(np.mean([a == data.labels[i] for a, i in zip(predicted, test, strict=True)]))
        )
        if len(known) >= GOAL * len(model.labels):
            return accuracies
        unlabelled = sorted(set(pool) - set(known))
        if rule == "random":
            known += [int(i) for i in rng.choice(unlabelled, A_ROUND, replace=False)]
        else:
            known += next_clips(data, model, known, unlabelled)


def draw(grown: dict[str, NDArray[np.float64]], path: Path) -> None:
    """Plot the accuracies (n_seeds, n_rounds) of every rule: the mean and the range of seeds."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for (rule, by_seed), colour in zip(grown.items(), ("#8a8a8a", "#1f5f8b"), strict=True):
        labelled = np.linspace(START, GOAL, by_seed.shape[1])
        mean, deviation = by_seed.mean(axis=0), by_seed.std(axis=0)
        axes.plot(labelled, mean, color=colour, label=rule)
        axes.fill_between(
            labelled, mean - deviation, mean + deviation, color=colour, alpha=0.2, lw=0
        )
    axes.set_xlabel("labelled clips per label, on average")
    axes.set_ylabel(f"accuracy on the held-out fold, mean of {len(by_seed)} seeds")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(path, dpi=130)
    plt.close(figure)


def main() -> None:
    from threadpoolctl import threadpool_limits

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=100, help="first seed")
    parser.add_argument("--figure", type=Path, help="a PNG to write")
    args = parser.parse_args()
    data = read_features(Project(), Index.read(args.index), args.store, [], {"mean+std"})
    folds = sorted({clip.fold for clip in data.clips})
    seeds = range(args.first, args.first + args.seeds)
    grown: dict[str, NDArray[np.float64]] = {}
    with threadpool_limits(1, "blas"):
        for rule in RULES:
            # (n_seeds, n_folds, n_rounds)
            accuracies = np.array([[grow(data, fold, s, rule) for fold in folds] for s in seeds])
            by_seed = grown[rule] = accuracies.mean(axis=1)
            figures = {
                "rule": rule,
                "accuracy": np.round(by_seed.mean(axis=0), 3).tolist(),
                "last_by_seed": np.round(by_seed[:, -1], 3).tolist(),
            }
            print(json.dumps(figures), flush=True)
    gain = grown["suggested"][:, -1] - grown["random"][:, -1]
    print(json.dumps({"gain": round(float(gain.mean()), 3), "seeds_won": int((gain > 0).sum())}))
    if args.figure is not None:
        draw(grown, args.figure)


if __name__ == "__main__":
    main()
