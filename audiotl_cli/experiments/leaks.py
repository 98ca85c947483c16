"""Find tested clips whose sound a model knows: clips trained on, or copies of these."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiotl_cli.audio.measure import Measurement
from audiotl_cli.classifiers.card import ModelCard, clip_mark
from audiotl_cli.dataset.audit import clip_problems
from audiotl_cli.dataset.duplicates.groups import find_duplicates
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.errors import DataError
from audiotl_cli.evaluation.leaks import TRAINED_ON, Leak
from audiotl_cli.experiments.features import evaluated
from audiotl_cli.project import Project
from audiotl_cli.store.memo import clip_key

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


def find_leaks(project: Project, sides: Sequence[Side]) -> list[Leak]:
    """Return the tested clips whose sound is on another side, too.

    They are compared by the measurements of ``audiotl index``; nothing is decoded.
    """
    measured = project.open_measured()
    found = [measured.get(side.key) for side in sides]
    duplicates = find_duplicates(found)
    by_key: dict[str, list[int]] = {}
    for i, side in enumerate(sides):
        by_key.setdefault(side.key, []).append(i)
    groups = {
        TRAINED_ON: _first_in_two_parts(by_key.values(), sides),
        "duplicate": _first_in_two_parts(duplicates.exact, sides),
        "near_duplicate": _first_in_two_parts(duplicates.groups(), sides),
    }
    leaks = []
    n_not_measured = 0
    for i, side in enumerate(sides):
        if not side.tested:
            continue
        for kind, firsts in groups.items():
            others = [j for j in firsts.get(i, ()) if sides[j].part != side.part]
            if others:
                leaks.append(Leak(evaluated(side.clip), evaluated(sides[others[0]].clip), kind))
                break
        else:
            if not isinstance(found[i], Measurement):
                n_not_measured += 1
                if "split_leak" in clip_problems(side.clip):
                    leaks.append(Leak(evaluated(side.clip), None, "split_leak"))
    if 0 < n_not_measured < sum(side.tested for side in sides):
        logger.info(
            "%d clips were not measured on this machine, so copies of them are not looked for; "
            "audiotl index measures them",
            n_not_measured,
        )
    return leaks


def _first_in_two_parts(
    groups: Iterable[Sequence[int]], sides: Sequence[Side]
) -> dict[int, tuple[int, int]]:
    """Return for every member of a group its first one, and the first in another part.

    For a clip in any part, the first in another part than its own is one of the two.
    """
    firsts = {}
    for group in groups:
        if len(group) > 1:
            part = sides[group[0]].part
            other = next((i for i in group if sides[i].part != part), None)
            if other is not None:
                firsts.update(dict.fromkeys(group, (group[0], other)))
    return firsts


def sides_of_model(
    project: Project,
    card: ModelCard,
    clips: Sequence[Clip],
    keys: Sequence[str],
    tested: Collection[int],
) -> list[Side]:
    """Return the clips tested, and those that a model was trained on, as far as they are known.

    Parameters
    ----------
    project : Project
        The index trained on is looked for in it.
    card : ModelCard
    clips, keys : sequence
        Of the index evaluated on.
    tested : collection of int
        Positions of the clips that are tested.
    """
    known = set(card.trained_on)
    sides = [Side(clips[i], keys[i], "tested", tested=True) for i in tested]
    marked = [
        (clip, key)
        for clip, key in [*_trained_elsewhere(project, card), *zip(clips, keys, strict=True)]
        if clip_mark(key) in known
    ]
    trained: dict[str, Clip] = {}
    for clip, key in sorted(marked, key=lambda pair: pair[0].split != card.split):
        trained.setdefault(key, clip)
    return sides + [Side(clip, key, "trained on", tested=False) for key, clip in trained.items()]


def _trained_elsewhere(project: Project, card: ModelCard) -> list[tuple[Clip, str]]:
    """Return the clips, and their keys, of the index that a model was trained on."""
    path = project.index_dir / Path(card.index).name
    try:
        clips = Index.read(path).clips
    except DataError:
        return []
    return [
        (clip, clip_key(clip.sha256, clip.start_s, clip.end_s)) for clip in clips if clip.sha256
    ]


def warn_of_leaks(leaks: Sequence[Leak], n_clips: int) -> None:
    """Warn if there are copies of clips trained on; of those clips themselves is warned already."""
    copies = [leak for leak in leaks if leak.kind != TRAINED_ON]
    if copies:
        names = ", ".join(
            f"{leak.clip.name} ({leak.other.name if leak.other else ''})"
            for leak in copies[:MOST_NAMED]
        )
        logger.warning(
            "%d of the %d clips evaluated hold the sound of clips trained on, so the score is too "
            "good: %s%s",
            len(copies),
            n_clips,
            names,
            ", ..." if len(copies) > MOST_NAMED else "",
        )


def warn_trained_on(n_trained_on: int | None, n_clips: int) -> None:
    """Warn if some of the clips evaluated were trained on."""
    if n_trained_on:
        logger.warning(
            "%d of the %d clips evaluated were trained on, so the score is too good",
            n_trained_on,
            n_clips,
        )
