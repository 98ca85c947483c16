"""Which clips of a data set hold the same sound, exactly or nearly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from audiotl_cli.audio.limits import SAME_SHARE, SILENT_SWING
from audiotl_cli.audio.measure import Measurement
from audiotl_cli.components import components
from audiotl_cli.dataset.duplicates.near_duplicates import NearDuplicate, find_near_duplicates
from audiotl_cli.dataset.measured import Finding

DuplicateGroup = list[int]
"""Positions of clips that hold one sound, ascending; always several."""


@dataclass(frozen=True)
class Duplicates:
    """Clips that hold the same sound.

    Parameters
    ----------
    exact : list of DuplicateGroup
        Clips whose decoded samples are equal.
    near : list of NearDuplicate
        Pairs that are nearly the same. Of exact duplicates, the first stands for all.
    """

    exact: list[DuplicateGroup] = field(default_factory=list)
    near: list[NearDuplicate] = field(default_factory=list)

    def groups(self) -> list[DuplicateGroup]:
        """Return the clips that are duplicates or near-duplicates, also through others."""
        return self._groups(least_covered=0.0)

    def same_sound(self) -> list[DuplicateGroup]:
        """Return the clips that hold one sound and little besides it."""
        return self._groups(least_covered=SAME_SHARE)

    def near_duplicates(self) -> set[int]:
        """Return the positions of clips that are near-duplicates of another."""
        paired = {i for pair in self.near for i in (pair.first, pair.second)}
        return paired.union(*(group for group in self.exact if group[0] in paired))

    def only(self, kept: Sequence[int]) -> Duplicates:
        """Return the duplicates among some of the clips, by their positions among these.

        Parameters
        ----------
        kept : sequence of int
            Where it holds any clip of a group of exact duplicates, it holds the first.
        """
        new = {old: position for position, old in enumerate(kept)}
        exact = [[new[i] for i in group if i in new] for group in self.exact]
        near = [
            replace(pair, first=new[pair.first], second=new[pair.second])
            for pair in self.near
            if pair.first in new and pair.second in new
        ]
        return Duplicates([group for group in exact if len(group) > 1], near)

    def _groups(self, least_covered: float) -> list[DuplicateGroup]:
        near = [(pair.first, pair.second) for pair in self.near if pair.covered >= least_covered]
        exact = [(group[0], other) for group in self.exact for other in group[1:]]
        return components([*near, *exact])


def find_duplicates(findings: Sequence[Finding | None]) -> Duplicates:
    """Return which clips hold the same sound.

    Parameters
    ----------
    findings : sequence of Measurement, AudioError or None
        One a clip. Only measured clips are compared, and silent ones are left out.
    """
    by_samples: dict[str, list[int]] = defaultdict(list)
    words = {}
    for i, found in enumerate(findings):
        if isinstance(found, Measurement) and found.swing >= SILENT_SWING:
            by_samples[found.pcm].append(i)
            words[i] = found.words
    firsts = [group[0] for group in by_samples.values()]
    near = [
        replace(pair, first=firsts[pair.first], second=firsts[pair.second])
        for pair in find_near_duplicates([words[i] for i in firsts])
    ]
    return Duplicates([group for group in by_samples.values() if len(group) > 1], near)
