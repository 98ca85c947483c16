"""Groups that file names suggest where an index knows none."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from audiotl_cli.dataset.index import Clip

ESC_LIKE = r"(?:^|/)\d-(\d+)-[A-Z]"
WORDS = r"((?:speaker|spk|subject|subj|artist|site|station|patient|session)[-_ ]?[^/_. -]+)"
HASHED = r"([0-9a-f]{8})_nohash_"

N_PLACES = 4
"""Places in a file name, between ``_`` and ``-``, that are looked at."""

COVERED = 0.9
"""Share of the clips in whose names a group must be found."""


@dataclass(frozen=True)
class LikelyGroups:
    """What file names suggest.

    Parameters
    ----------
    expression : str
        For ``--group-regex``.
    n_groups, n_clips : int
        How many it finds, and in how many clips.
    example : str
        One of them.
    """

    expression: str
    n_groups: int
    n_clips: int
    example: str


def likely_groups(clips: Sequence[Clip]) -> LikelyGroups | None:
    """Return what looks like a name of a speaker, site or source recording, if anything does.

    Something in the names that several clips share, but not all clips of a label and no
    others (that is the label), and that does not merely count (1, 2, 3: takes).
    """
    first = r"(?:^|/)([^/_.-]+)[_-][^/]*$"
    others = [rf"(?:^|/)(?:[^/_-]+[_-]){{{n}}}([^/_.-]+)[^/]*$" for n in range(1, N_PLACES)]
    for expression in (ESC_LIKE, HASHED, WORDS, first, *others):
        found = _groups(clips, expression, sure=expression in (ESC_LIKE, HASHED, WORDS))
        if found:
            return found
    return None


def _groups(clips: Sequence[Clip], expression: str, *, sure: bool) -> LikelyGroups | None:
    """Return what an expression finds; more is asked of one that could find anything."""
    pattern = re.compile(expression)
    matches = [(clip, pattern.search(clip.path)) for clip in clips]
    pairs = [(match.group(1), clip) for clip, match in matches if match]
    counts = Counter(group for group, _ in pairs)
    several = sum(n for n in counts.values() if n > 1)
    if len(pairs) < COVERED * len(clips) or len(counts) < 3 or not several:
        return None
    if not sure and (2 * several < len(clips) or 2 * len(counts) > len(clips)):
        return None
    if _counts_up(counts) or _is_label(pairs):
        return None
    return LikelyGroups(expression, len(counts), len(pairs), counts.most_common(1)[0][0])


def _counts_up(groups: Counter[str]) -> bool:
    """Return whether groups are small numbers or letters, as takes and folds are."""
    return all(len(group) == 1 or (group.isdecimal() and int(group) < 1000) for group in groups)


def _is_label(pairs: Sequence[tuple[str, Clip]]) -> bool:
    """Return whether the label alone says which group it is: then it is the label, or its kind."""
    groups = defaultdict(set)
    for group, clip in pairs:
        groups[clip.label].add(group)
    return all(len(found) == 1 for found in groups.values())
