"""Groups that file names suggest where an index has none."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from audiotl_cli.dataset.index import Clip

ESC_NAME = r"(?:^|/)\d-(\d+)-[A-Z]"
WORD_AND_NAME = r"((?:speaker|spk|subject|subj|artist|site|station|patient|session)[-_ ]?[^/_. -]+)"
SPEECH_COMMANDS_NAME = r"([0-9a-f]{8})_nohash_"

N_PARTS = 4
"""Parts of a file name, separated by ``_`` or ``-``, that are searched."""

LEAST_COVERED = 0.9
"""Share of the clips whose names must have a group."""


@dataclass(frozen=True)
class SuggestedGroups:
    """Groups that file names suggest.

    Parameters
    ----------
    expression : str
        For ``--group-regex``.
    n_groups, n_clips : int
        How many groups the expression finds, and in how many clips.
    example : str
        One of the groups.
    """

    expression: str
    n_groups: int
    n_clips: int
    example: str


def suggest_groups(clips: Sequence[Clip]) -> SuggestedGroups | None:
    """Return the part of file names that looks like a speaker, site or source recording, if any.

    It must be shared by several clips. A part that is the same in all clips of a label and in no
    others is the label, and a part that counts (1, 2, 3) is the number of a take.
    """
    first = r"(?:^|/)([^/_.-]+)[_-][^/]*$"
    others = [rf"(?:^|/)(?:[^/_-]+[_-]){{{n}}}([^/_.-]+)[^/]*$" for n in range(1, N_PARTS)]
    for expression in (ESC_NAME, SPEECH_COMMANDS_NAME, WORD_AND_NAME, first, *others):
        found = _groups(
            clips, expression, known=expression in (ESC_NAME, SPEECH_COMMANDS_NAME, WORD_AND_NAME)
        )
        if found:
            return found
    return None


def warn_without_groups(clips: Sequence[Clip]) -> str:
    """Return what to do if clips have no groups and file names suggest some; else nothing."""
    if any(clip.group or clip.fold for clip in clips):
        return ""
    suggested = suggest_groups(clips)
    if suggested is None:
        return ""
    return (
        f"no groups are known, but {suggested.n_clips} of {len(clips)} file names suggest "
        f"{suggested.n_groups} sources (speakers, sites), such as {suggested.example!r}. If clips "
        "of one source are on both sides of a split, scores are too good; keep them together "
        f"with: --group-regex '{suggested.expression}'"
    )


def _groups(clips: Sequence[Clip], expression: str, *, known: bool) -> SuggestedGroups | None:
    """Return the groups that an expression finds; unless it is a known form, check more."""
    pattern = re.compile(expression)
    matches = [(clip, pattern.search(clip.path)) for clip in clips]
    pairs = [(match.group(1), clip) for clip, match in matches if match]
    counts = Counter(group for group, _ in pairs)
    several = sum(n for n in counts.values() if n > 1)
    if len(pairs) < LEAST_COVERED * len(clips) or len(counts) < 3 or not several:
        return None
    if not known and (2 * several < len(clips) or 2 * len(counts) > len(clips)):
        return None
    if _counts_up(counts) or _is_label(pairs):
        return None
    return SuggestedGroups(expression, len(counts), len(pairs), counts.most_common(1)[0][0])


def _counts_up(groups: Counter[str]) -> bool:
    """Return whether groups are small numbers or single letters, as takes and folds are."""
    return all(len(group) == 1 or (group.isdecimal() and int(group) < 1000) for group in groups)


def _is_label(pairs: Sequence[tuple[str, Clip]]) -> bool:
    """Return whether every label has one group: then the group is the label, or a kind of it."""
    groups = defaultdict(set)
    for group, clip in pairs:
        groups[clip.label].add(group)
    return all(len(found) == 1 for found in groups.values())
