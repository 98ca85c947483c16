"""Compare networks on a few labelled clips: which clips, and how well labels are told from each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from audiotl_cli.classifiers.options import DEFAULT_POOLING, ClassifierOptions
from audiotl_cli.dataset.assign import assign_folds
from audiotl_cli.dataset.index import Clip, clip_labels
from audiotl_cli.errors import DataError
from audiotl_cli.evaluation.intervals import accuracy_interval, number_units
from audiotl_cli.evaluation.protocols import leave_one_out
from audiotl_cli.experiments.features import LabelledFeatures, read_clips
from audiotl_cli.experiments.splits import TRAIN
from audiotl_cli.experiments.training import fit_alone
from audiotl_cli.store.store import FeatureStore

MOST_CLIPS = 50
MOST_LABELS = 10
MIN_OF_LABEL = 4
"""Clips of a label, in groups of their own, to be compared on."""

SEED = 0
N_FOLDS = 5
N_REPEATS = 3

MOST_AUDIO_S = 1800

UNUSABLE = {"unreadable", "empty", "silent", "cancelling_channels", "label_conflict"}


def clips_to_probe(clips: Sequence[Clip], seed: int) -> list[Clip]:
    """Return up to 50 training clips, as many of each label, of as many groups as there are.

    Of more than ten labels, ten are drawn, so that each has five clips. Of long clips there are
    fewer, so that they are half an hour together.

    Parameters
    ----------
    clips : sequence of Clip
    seed : int

    Returns
    -------
    chosen : list of Clip
        In the order of the index.

    Raises
    ------
    DataError
        Networks cannot be compared on these clips; says why.
    """
    random = np.random.default_rng(seed)
    by_label = _usable(clips)
    known = sorted(label for label, groups in by_label.items() if len(groups) >= MIN_OF_LABEL)
    if len(known) < 2:
        raise DataError(
            f"there are not two labels with {MIN_OF_LABEL} training clips of their own, in a group "
            "each, to compare networks on"
        )
    positions = [i for groups in by_label.values() for same in groups.values() for i in same]
    lengths = [length_of(clips[i]) for i in positions]
    if None in lengths:
        raise DataError("the lengths of clips are not known (audiotl index measures them)")
    typical_s = float(np.median(np.array(lengths, float)))
    most = min(MOST_CLIPS, int(MOST_AUDIO_S / max(typical_s, 1e-3)))
    n_labels = min(len(known), MOST_LABELS, most // MIN_OF_LABEL)
    if n_labels < 2:
        raise DataError(f"clips of {typical_s:.0f} s are too long to compare networks on")
    known = random.permutation(known).tolist()[:n_labels]
    chosen = [i for label in known for i in _spread(by_label[label], most // n_labels, random)]
    return [clips[i] for i in sorted(chosen)]


def _usable(clips: Sequence[Clip]) -> dict[str, dict[str, list[int]]]:
    """Return the positions of training clips with one label, by label and group."""
    by_label: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    without_splits = not any(clip.split for clip in clips)
    for i, clip in enumerate(clips):
        labels = set(clip_labels(clip))
        is_training = clip.split == TRAIN or without_splits
        if is_training and len(labels) == 1 and not UNUSABLE & set(clip.problems.split(";")):
            by_label[labels.pop()][_unit(clip)].append(i)
    return by_label


def length_of(clip: Clip) -> float | None:
    """Return the seconds of a clip; None where they are not known."""
    if clip.start_s is not None and clip.end_s is not None:
        return clip.end_s - clip.start_s
    return clip.duration_s


def _spread(groups: dict[str, list[int]], n_clips: int, random: np.random.Generator) -> list[int]:
    """Return clips in turn from each group, the groups and their clips in random order."""
    order = [random.permutation(groups[name]).tolist() for name in sorted(groups)]
    turns: list[int] = []
    order = [order[i] for i in random.permutation(len(order))]
    while len(turns) < n_clips and any(order):
        turns += [clips.pop() for clips in order if clips]
    return turns[:n_clips]


def _unit(clip: Clip) -> str:
    return f"group {clip.group}" if clip.group else f"path {clip.path}"


@dataclass(frozen=True)
class Probe:
    """How well the default classifier does with a network's features of a few clips.

    Parameters
    ----------
    extractor : str
    right : float64 (n_clips,)
        How often each clip was predicted correctly by models that were not fitted on it, 0 to 1.
    weights : float64 (n_clips,)
        What every clip counts: each label as much as the others.
    units : int64 (n_clips,)
        The number of its group.
    seed : int
    s_per_clip : float or None
        Seconds that embedding a clip took; None where all were stored already.
    """

    extractor: str
    right: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]
    units: npt.NDArray[np.int64]
    seed: int
    s_per_clip: float | None = None

    @cached_property
    def score(self) -> float:
        """Balanced accuracy."""
        return float(np.average(self.right, weights=self.weights))

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Its 95 % interval, over groups."""
        return accuracy_interval(self.right, self.units, self.seed, self.weights)

    def shortfall(self, best: Probe) -> tuple[float, float]:
        """Return how much the score is below that of a better network, and its standard error."""
        short = (best.right - self.right) * self.weights
        return float(short.mean()), float(short.std(ddof=1) / np.sqrt(len(short)))


def probe(
    store: FeatureStore,
    keyed: Sequence[tuple[Clip, str]],
    seed: int,
    s_per_clip: float | None = None,
) -> Probe:
    """Cross-validate the default classifier on clips whose features are stored.

    Groups are kept together, and every clip is tested three times, by models fitted on four
    fifths of the others. All networks are tested on the same parts.

    Parameters
    ----------
    store : FeatureStore
    keyed : sequence of (Clip, str)
        Clips with one label each, and their keys in the store.
    seed : int
    s_per_clip : float or None

    Raises
    ------
    DataError, UsageError
        Clips of one label alone are stored, or of one group.
    """
    data = read_clips(list(keyed), [store], {DEFAULT_POOLING})
    units = number_units([_unit(clip) for clip in data.clips])
    counts = Counter(data.labels)
    weights = np.array([len(data.labels) / (len(counts) * counts[one]) for one in data.labels])
    right = np.zeros(len(data.clips))
    for repeat in range(N_REPEATS):
        right += _right(data, seed + repeat)
    return Probe(store.extractor, right / N_REPEATS, weights, units, seed, s_per_clip)


def _right(data: LabelledFeatures, seed: int) -> npt.NDArray[np.float64]:
    n_folds = min(N_FOLDS, len({_unit(clip) for clip in data.clips}))
    dealt = assign_folds(data.clips, n_folds, seed)
    options = ClassifierOptions(seed=seed, balance=False)
    right = np.zeros(len(data.clips))
    for part in leave_one_out([clip.fold for clip in dealt], "fold"):
        model = fit_alone(data, part.train, options)
        predicted = model.predict([data.frames[i] for i in part.test])
        right[part.test] = [
            label == data.labels[i] for label, i in zip(predicted, part.test, strict=True)
        ]
    return right
