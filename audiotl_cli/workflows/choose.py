"""Choose a classifier's settings on training clips alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from audiotl_cli.classify.classifier import ClassifierOptions
from audiotl_cli.classify.search import Tried, search, settings
from audiotl_cli.dataset.build import assign_folds
from audiotl_cli.errors import UsageError
from audiotl_cli.evaluation.protocols import leave_one_out
from audiotl_cli.workflows.features import LabelledFeatures
from audiotl_cli.workflows.stored import StoredFrames

N_FOLDS = 5
MIN_FOLDS = 3  # with fewer, too little is left to fit on

OnFit = Callable[[int, int], None]
"""Told how many fits are done, and of how many."""


def choose(
    data: LabelledFeatures,
    rows: Sequence[int],
    n_settings: int,
    base: ClassifierOptions,
    on_fit: OnFit = lambda done, total: None,
) -> list[Tried]:
    """Try settings by cross-validation among some of the clips.

    The rounds leave out the data set's own folds where all these clips are in folds, and
    otherwise 5 that are dealt, groups kept together.

    Parameters
    ----------
    data : LabelledFeatures
    rows : sequence of int
        Positions of the clips that may be looked at.
    n_settings : int
    base : ClassifierOptions
        Tried first.
    on_fit : callable

    Returns
    -------
    tried : list of Tried
        The best first.

    Raises
    ------
    UsageError
        `n_settings` is below 1, or there are fewer groups than folds.
    """
    if isinstance(data.frames, StoredFrames):
        raise UsageError(
            "--search needs the frames of all clips in memory, and they do not fit: leave it out, "
            "or say with --memory-mb that there is more"
        )
    clips = [data.clips[i] for i in rows]
    folds = [clip.fold for clip in clips]
    if "" in folds or len(set(folds)) < MIN_FOLDS:
        folds = [clip.fold for clip in assign_folds(clips, N_FOLDS, base.seed)]
    rounds = leave_one_out(folds, "fold")
    candidates = settings(n_settings, base)
    n_done = 0

    def one_more() -> None:
        nonlocal n_done
        n_done += 1
        on_fit(n_done, len(candidates) * len(rounds))

    return search(
        [data.frames[i] for i in rows],
        [clip.label for clip in clips],
        [(one.train, one.test) for one in rounds],
        candidates,
        one_more,
    )
