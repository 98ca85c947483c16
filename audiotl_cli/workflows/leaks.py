"""Clips that are tested though a model knows their sound: trained on, or copies of such."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiotl_cli.audio.measure import Measurement
from audiotl_cli.classify.card import ModelCard, clip_mark
from audiotl_cli.dataset.audit import clip_problems
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.dataset.kin import find_kin
from audiotl_cli.errors import DataError
from audiotl_cli.store.memo import clip_key
from audiotl_cli.workflows.audit import open_measured
from audiotl_cli.workflows.project import INDEXES

logger = logging.getLogger(__name__)

MOST_NAMED = 3


@dataclass(frozen=True)
class Side:
    """A clip, and where it stands in an evaluation.

    Parameters
    ----------
    clip : Clip
    key : str
        In the store.
    part : str
        The fold or split; nothing leaks within one.
    tested : bool
    """

    clip: Clip
    key: str
    part: str
    tested: bool


def find_leaks(sides: Sequence[Side]) -> list[dict[str, Any]]:
    """Return the clips whose sound is on another side, too.

    What was measured of them by ``audiotl index`` is compared; nothing is decoded.

    Parameters
    ----------
    sides : sequence of Side

    Returns
    -------
    leaks : list of dict
        ``path``; ``other``, a clip of that sound on another side; and ``kind``:
        ``trained_on`` (the same file or stretch), ``duplicate`` (the same samples),
        ``near_duplicate``, or ``split_leak``, where only the index tells, and not which clip.
    """
    measured = open_measured()
    found = [measured.get(side.key) for side in sides]
    kin = find_kin(found)
    family_of = {i: one for one in kin.families() for i in one}
    copies_of = {i: one for one in kin.copies for i in one}
    by_key: dict[str, list[int]] = {}
    for i, side in enumerate(sides):
        by_key.setdefault(side.key, []).append(i)
    leaks = []
    n_unheard = 0
    for i, side in enumerate(sides):
        if not side.tested:
            continue
        alike = {
            "trained_on": by_key[side.key],
            "duplicate": copies_of.get(i, []),
            "near_duplicate": family_of.get(i, []),
        }
        for kind, others in alike.items():
            across = [sides[j].clip for j in others if sides[j].part != side.part]
            if across:
                leaks.append({"path": side.clip.path, "other": across[0].path, "kind": kind})
                break
        else:
            if not isinstance(found[i], Measurement):
                n_unheard += 1
                if "split_leak" in clip_problems(side.clip):
                    leaks.append({"path": side.clip.path, "other": "", "kind": "split_leak"})
    if 0 < n_unheard < sum(side.tested for side in sides):
        logger.info(
            "%d clips were not listened to here, so copies of them are not looked for; that is "
            "what audiotl index does",
            n_unheard,
        )
    return leaks


def sides_of_model(
    card: ModelCard, clips: Sequence[Clip], keys: Sequence[str], tested: Collection[int]
) -> list[Side]:
    """Return the clips tested, and those that a model was trained on, as far as they are known.

    Parameters
    ----------
    card : ModelCard
    clips, keys : sequence
        Of the index evaluated on; the index trained on is looked for beside it.
    tested : collection of int
        Positions of the clips that are tested.
    """
    known = set(card.trained_on)
    sides = [Side(clips[i], keys[i], "tested", tested=True) for i in tested]
    marked = [
        (clip, key)
        for clip, key in [*_trained_elsewhere(card), *zip(clips, keys, strict=True)]
        if clip_mark(key) in known
    ]
    trained: dict[str, Clip] = {}
    for clip, key in sorted(marked, key=lambda one: one[0].split != card.split):
        trained.setdefault(key, clip)
    return sides + [Side(clip, key, "trained on", tested=False) for key, clip in trained.items()]


def _trained_elsewhere(card: ModelCard) -> list[tuple[Clip, str]]:
    """Return the clips, and their keys, of the index that a model was trained on."""
    path = INDEXES / Path(card.index).name
    try:
        clips = Index.read(path).clips
    except DataError:
        return []
    return [(one, clip_key(one.sha256, one.start_s, one.end_s)) for one in clips if one.sha256]


def warn_of_leaks(leaks: Sequence[dict[str, Any]], n_clips: int) -> None:
    """Warn if there are copies of clips trained on; of those clips themselves is warned already."""
    copies = [one for one in leaks if one["kind"] != "trained_on"]
    if copies:
        names = ", ".join(f"{one['path']} ({one['other']})" for one in copies[:MOST_NAMED])
        logger.warning(
            "%d of the %d clips evaluated hold the sound of clips trained on, so the score is too "
            "good: %s%s",
            len(copies),
            n_clips,
            names,
            ", ..." if len(copies) > MOST_NAMED else "",
        )
