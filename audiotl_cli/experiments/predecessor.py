"""Whether a model may take the place of the one that has its name."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from itertools import count
from pathlib import Path

from audiotl_cli.classifiers.card import ModelCard, clip_mark
from audiotl_cli.classifiers.model_file import load_model_file, read_card, read_packed
from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import AudiotlError, UsageError
from audiotl_cli.experiments.features import LabelledFeatures
from audiotl_cli.labels import split_labels
from audiotl_cli.project import Project
from audiotl_cli.spelling import did_you_mean

logger = logging.getLogger(__name__)

MOST_NAMED = 5

LEAST_SHARED = 0.5
"""Share of the training clips of either model that both must have to be of the same data."""


def choose_path(
    given: Path | None, usual: Path, data: LabelledFeatures, *, overwrite: bool
) -> Path:
    """Return where to save a model, so that it replaces only a model of the same data.

    Parameters
    ----------
    given : Path or None
        The file that was asked for.
    usual : Path
        The file otherwise; ``-2`` and so on is added to its name where a model of other data has
        it.
    data : LabelledFeatures
        What the new model is trained on.
    overwrite : bool
        Whether a model of other data may be replaced by the file that was asked for.

    Raises
    ------
    UsageError
        The file that was asked for is a model of other data.
    """
    reason = _other_data(given or usual, data)
    if not reason or (given and overwrite):
        return given or usual
    if given:
        raise UsageError(
            f"{given} is a model of other data ({reason}), and would be lost; give another --out, "
            "or replace it with --overwrite"
        )
    numbered = (usual.with_name(f"{usual.stem}-{i}{usual.suffix}") for i in count(2))
    path = next(path for path in numbered if not _other_data(path, data))
    logger.info("%s is a model of other data (%s), so this one is %s", usual, reason, path.name)
    return path


def warn_of_lost_labels(project: Project, index: Index, labels: Iterable[str]) -> None:
    """Warn of labels that the last model of an index of this name had, and that are gone.

    Parameters
    ----------
    project : Project
    index : Index
    labels : iterable of str
        Of the clips to train on, joined where a clip has several.
    """
    now = {label for text in labels for label in split_labels(text)}
    for path in sorted(project.models(), key=lambda path: path.stat().st_mtime, reverse=True):
        try:
            card = read_card(path, read_packed(path))
        except (AudiotlError, OSError):
            continue
        if index.path is None or card.index != index.path.name:
            continue
        behind = {str(card.events["background"])} if card.events is not None else set()
        if lost := sorted(set(card.labels) - now - behind):
            logger.warning(
                "%s of %s, the last model of %s, %s no clip to train on any more: %s%s",
                f"{len(lost)} label{'s' if len(lost) > 1 else ''}",
                path.name,
                card.index,
                "have" if len(lost) > 1 else "has",
                ", ".join(lost[:MOST_NAMED]) + (", ..." if len(lost) > MOST_NAMED else ""),
                did_you_mean(lost[0], now - set(card.labels)).replace("did you mean", "is it now"),
            )
        return


def _other_data(path: Path, data: LabelledFeatures) -> str:
    """Return how the data of a model differ; empty for the same data, and where it is no model."""
    try:
        card = load_model_file(path)[1]
    except (AudiotlError, OSError):
        return ""
    labels = {label for text in data.labels for label in split_labels(text)}
    if labels.isdisjoint(card.labels):
        return f"its labels are {', '.join(card.labels[:5])}"
    n_shared, n_new = _shared(card, data)
    n_old = len(card.trained_on)
    if n_old and n_shared < LEAST_SHARED * min(n_old, n_new):
        return f"{n_shared} of the {n_old} clips that it was trained on are in this index"
    return ""


def _shared(card: ModelCard, data: LabelledFeatures) -> tuple[int, int]:
    marks = {clip_mark(key) for key in data.keys}
    return len(marks.intersection(card.trained_on)), len(marks)
