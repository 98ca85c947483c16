"""Whether the default classifier would do better than the one that was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from audiotl_cli.classifiers.choice import is_tied
from audiotl_cli.classifiers.options import DEFAULT_CLASSIFIER, ClassifierOptions
from audiotl_cli.classifiers.pooling import pool_clip
from audiotl_cli.classifiers.registry import find_recipe
from audiotl_cli.classifiers.space import Setting
from audiotl_cli.errors import AudiotlError
from audiotl_cli.experiments.features import LabelledFeatures
from audiotl_cli.experiments.search import choose, deal_folds
from audiotl_cli.experiments.training import is_streamed

MOST_VALUES = 1_000_000
"""Features of all clips, up to which ten more fits take a second or two."""


def better_default(data: LabelledFeatures, rows: Sequence[int], options: ClassifierOptions) -> str:
    """Return a sentence that the default classifier scores better on the clips trained on.

    It is empty where the default is not better by more than one standard error, and where asking
    would take long.

    Parameters
    ----------
    data : LabelledFeatures
    rows : sequence of int
        Positions of the clips that are trained on.
    options : ClassifierOptions
        What was asked for.
    """
    recipe, default = find_recipe(options.classifier), find_recipe(DEFAULT_CLASSIFIER)
    if recipe is default or not recipe.quick or options.pooling == "vote":
        return ""
    if data.multi_label or is_streamed(data):
        return ""
    n_values = sum(pool_clip(data.frames[rows[0]], options.pooling).shape[-1:]) * len(rows)
    if n_values > MOST_VALUES:
        return ""
    usual = replace(options, classifier=default.name, params={}, scale=None)
    parts = tuple(range(len(data.extractors)))
    try:
        folds = deal_folds(data, rows, options.seed)
        tried = choose(data, rows, [Setting(options, parts), Setting(usual, parts)], folds).tried
    except AudiotlError:  # too few clips of a label, for example
        return ""
    by_name = {find_recipe(trial.setting.options.classifier).name: trial for trial in tried}
    asked, other = by_name[recipe.name], by_name[default.name]
    if asked.score >= other.score or is_tied(asked, other):
        return ""
    metric = " in balanced accuracy" if other.weights is not None else ""
    return (
        f"{default.name}, the default, scores {other.score:.2f}{metric} by {len(folds)}-fold "
        f"cross-validation on these clips where {recipe.name} scores {asked.score:.2f}; leave "
        "out --classifier to use it"
    )
