"""Decide by cross-validation on the training clips whether labels should count the same."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from audiotl_cli.classifiers.choice import is_tied
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.search import search
from audiotl_cli.classifiers.space import Setting
from audiotl_cli.classifiers.trials import Runner
from audiotl_cli.errors import AudiotlError
from audiotl_cli.experiments.features import LabelledFeatures
from audiotl_cli.experiments.search import deal_folds
from audiotl_cli.experiments.stored import StoredFrames
from audiotl_cli.labels import are_unbalanced

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Balancing:
    """Whether labels are balanced, and why.

    Parameters
    ----------
    options : ClassifierOptions
        Decided: `balance` is no longer None.
    plain, balanced : float or None
        Balanced accuracy by cross-validation on the training clips, without and with balancing;
        None where it was not measured.
    """

    options: ClassifierOptions
    plain: float | None = None
    balanced: float | None = None

    def to_dict(self) -> dict[str, Any] | None:
        """Return what the card says of it; None where there was nothing to measure."""
        if self.plain is None:
            return None
        return {"plain": self.plain, "balanced": self.balanced}


def decide_balance(
    data: LabelledFeatures,
    rows: Sequence[int],
    options: ClassifierOptions,
    run: Runner | None = None,
) -> Balancing:
    """Return options that say whether to balance labels.

    What was asked for is done. Otherwise labels are balanced if they are unbalanced, unless that
    lowers the balanced accuracy in the folds of `deal_folds` by more than one standard error: of
    rare labels, few clips are tested there, and these show little. Nor is it done where a clip may
    have several labels: their mean average precision hardly changes.

    Parameters
    ----------
    data : LabelledFeatures
    rows : sequence of int
        Positions of the clips to train on.
    options : ClassifierOptions
    run : Runner, optional
        What does the fits; a thread a core unless given.
    """
    if options.balance is not None:
        return Balancing(options)
    plain = replace(options, balance=False)
    labels = [data.labels[i] for i in rows]
    weighted = "class_weight" in options.params
    if data.multi_label or weighted or not are_unbalanced(labels):
        return Balancing(plain)
    if isinstance(data.frames, StoredFrames):
        logger.info(
            "Labels are unbalanced; the frames do not fit into memory, so it is not measured "
            "whether --balance on would help"
        )
        return Balancing(plain)
    parts = tuple(range(len(data.extractors)))
    settings = [Setting(replace(options, balance=on), parts) for on in (False, True)]
    try:
        folds = deal_folds(data, rows, options.seed)
        frames = [data.frames[i] for i in rows]
        # one by one: none is to be dropped early
        tried = [search(frames, labels, folds, [one], run=run)[0] for one in settings]
    except AudiotlError as error:
        logger.info("Labels are unbalanced, but it cannot be measured what helps: %s", error)
        return Balancing(plain)
    without, with_balance = tried
    better = is_tied(with_balance, without)
    return Balancing(replace(options, balance=better), without.score, with_balance.score)
