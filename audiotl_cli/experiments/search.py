"""Choose a classifier's settings on training clips alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from audiotl_cli.classifiers.choice import Tried, pick, rank
from audiotl_cli.classifiers.groups import find_near, join_groups
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.pooling import pool, pool_clip
from audiotl_cli.classifiers.search import OnFit, search
from audiotl_cli.classifiers.space import Setting, settings
from audiotl_cli.classifiers.trials import Fold, Right, Runner
from audiotl_cli.dataset.assign import assign_folds
from audiotl_cli.dataset.split import cut_in_order
from audiotl_cli.errors import UsageError
from audiotl_cli.evaluation.protocols import leave_one_out
from audiotl_cli.experiments.features import LabelledFeatures
from audiotl_cli.experiments.stored import StoredFrames

N_FOLDS = 5
MIN_FOLDS = 3  # with fewer, too little is left to fit on
GAP = 0.5 / N_FOLDS  # of a label, left out on either side of what is tested
MOST_VOTES = 2_000_000  # values of all frames; with more, fitting on frames takes minutes

OnProgress = Callable[[int, int], None]
"""Called with the number of fits that are done, and of how many."""


@dataclass(frozen=True)
class Choice:
    """What was tried, and what to take.

    Parameters
    ----------
    chosen : Tried
    tried : list of Tried
        The best first; without those that were not asked for.
    extractors : list of dict
        Name and layer of every extractor, by position.
    balancing : dict or None
        How it was decided whether to balance labels.
    """

    chosen: Tried
    tried: list[Tried]
    extractors: list[dict[str, str]]
    balancing: dict[str, Any] | None = None

    @property
    def options(self) -> ClassifierOptions:
        """What to fit."""
        return self.chosen.setting.options

    def leaderboard(self) -> list[dict[str, Any]]:
        """Return the settings that were tried as JSON values, the best first."""
        return [self.as_json(tried) for tried in self.tried]

    def as_json(self, tried: Tried) -> dict[str, Any]:
        """Return one row of the leaderboard."""
        extractors = [self.extractors[part] for part in tried.setting.parts]
        return {"extractors": extractors, **tried.as_json(), "chosen": tried is self.chosen}


def plan(
    data: LabelledFeatures, rows: Sequence[int], n_settings: int, base: ClassifierOptions
) -> list[Setting]:
    """Return the settings to try on some of the clips.

    Where there are several extractors: all of them together, as asked for, each alone, and
    every two.

    Parameters
    ----------
    data : LabelledFeatures
    rows : sequence of int
    n_settings : int
    base : ClassifierOptions
        Tried first.

    Raises
    ------
    UsageError
        `n_settings` is below 1, or the frames do not fit into memory.
    """
    _check_in_memory(data)
    everyone = range(len(data.extractors))
    several = [part for n in (1, 2) for part in combinations(everyone, n)]
    subsets = list(dict.fromkeys([tuple(everyone), *several]))
    n_values = [sum(pool(data.frames[i][part], "vote").size for i in rows) for part in everyone]
    narrowest = min(spec.dim for spec in data.extractors)
    return settings(
        n_settings,
        base,
        subsets,
        voting=[(part,) for part in everyone if n_values[part] <= MOST_VOTES],
        n_features=min(narrowest, len(rows) // 2),
    )


def choose(
    data: LabelledFeatures,
    rows: Sequence[int],
    candidates: Sequence[Setting],
    folds: Sequence[Fold],
    *,
    known: Mapping[tuple[int, int], Right] | None = None,
    on_fit: OnFit = lambda setting, fold, right: None,
    on_progress: OnProgress = lambda done, total: None,
    run: Runner | None = None,
) -> Choice:
    """Try settings by cross-validation among some of the clips.

    Parameters
    ----------
    data : LabelledFeatures
    rows : sequence of int
        Positions of the clips that may be looked at.
    candidates : sequence of Setting
    folds : sequence of (fit, test)
        Positions in `rows`; see `deal_folds`.
    known, on_fit, run
        As for `search`.
    on_progress : callable

    Raises
    ------
    UsageError
        The frames do not fit into memory.
    """
    _check_in_memory(data)
    total = len(candidates) * len(folds)
    n_done = len(known or {})

    def one_more(setting: Setting, fold: int, right: Right) -> None:
        nonlocal n_done
        n_done += 1
        on_fit(setting, fold, right)
        on_progress(n_done, total)

    def fewer(n_fits: int) -> None:
        nonlocal total
        total -= n_fits

    tried = search(
        [data.frames[i] for i in rows],
        [data.labels[i] for i in rows],
        folds,
        candidates,
        known=known,
        on_fit=one_more,
        on_drop=fewer,
        run=run,
    )
    extractors = [{"name": spec.name, "layer": spec.layer} for spec in data.extractors]
    return Choice(pick(tried), rank(tried), extractors)


def deal_folds(data: LabelledFeatures, rows: Sequence[int], seed: int) -> list[Fold]:
    """Return the rounds in which settings are tried on some of the clips.

    They leave out the data set's own folds where all these clips are in folds. Otherwise they
    keep apart what was probably recorded together (see `cut_in_order`): the groups of the
    index, neighbours by name where it knows no groups, and clips that are each other's
    nearest. With such clips on both sides, what remembers single clips looks best. Where that
    leaves too little to fit on, it is given up step by step.

    Parameters
    ----------
    data : LabelledFeatures
    rows : sequence of int
    seed : int

    Returns
    -------
    folds : list of (fit, test)
        Positions in `rows`.

    Raises
    ------
    UsageError
        There are fewer groups than folds.
    """
    clips = [data.clips[i] for i in rows]
    folds = [clip.fold for clip in clips]
    if "" not in folds and len(set(folds)) >= MIN_FOLDS:
        return [(part.train, part.test) for part in leave_one_out(folds, "fold")]
    labels, paths = [clip.label for clip in clips], [clip.path for clip in clips]
    groups = join_groups([clip.group or None for clip in clips], paths)
    near = join_groups(
        groups, find_near(np.concatenate([pool_clip(data.frames[i], "mean+std") for i in rows]))
    )
    gap = 0.0 if all(clip.group for clip in clips) else GAP
    for kept, left_out in ((near, gap), (near, 0.0), (groups, 0.0)):
        rounds: list[Fold] = [
            *cut_in_order(
                labels, paths, groups, near=kept, n_parts=N_FOLDS, gap=left_out, seed=seed
            )
        ]
        known = [{labels[i] for i in fit} for fit, _ in rounds]
        if len(rounds) >= MIN_FOLDS and all(found == set(labels) for found in known):
            return rounds
    dealt = assign_folds(clips, N_FOLDS, seed)
    parts = leave_one_out([clip.fold for clip in dealt], "fold")
    return [(part.train, part.test) for part in parts]


def _check_in_memory(data: LabelledFeatures) -> None:
    if isinstance(data.frames, StoredFrames):
        raise UsageError(
            "trying settings needs the frames of all clips in memory, and they do not fit: train "
            "without --search, or say with --memory-mb that there is more"
        )
