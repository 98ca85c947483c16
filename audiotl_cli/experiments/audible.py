"""Refuse to train on clips that the network hears nothing of, and warn of some of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from audiotl_cli.dataset.inaudible import describe_inaudible, find_inaudible
from audiotl_cli.errors import DataError
from audiotl_cli.experiments.features import LabelledFeatures
from audiotl_cli.project import Project

logger = logging.getLogger(__name__)


def check_audible(project: Project, data: LabelledFeatures, rows: Sequence[int]) -> None:
    """Warn if a network hears nothing of some clips to train on.

    Raises
    ------
    DataError
        No network hears anything of any of them, so that there is nothing to learn but rounding.
    """
    measured = project.open_measured()
    clips = [(data.clips[i].path, data.keys[i]) for i in rows]
    texts, n_deaf = list[str](), 0
    for store in data.stores:
        found = find_inaudible(measured, clips, store.made_from)
        texts += describe_inaudible(found, len(clips), store.extractor, store.made_from)
        n_deaf += sum(map(len, found.values())) == len(clips)
    if n_deaf == len(data.stores):
        raise DataError(f"there is nothing to learn from: {'; '.join(texts)}")
    for text in texts:
        logger.warning("%s", text)
