"""Which clips of a data set hold the same sound, exactly or nearly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from audiotl_cli.audio.limits import SAME_SHARE, SILENT_SWING
from audiotl_cli.audio.measure import Measurement
from audiotl_cli.components import components
from audiotl_cli.dataset.measured import Found
from audiotl_cli.dataset.near import Near, find_near


@dataclass(frozen=True)
class Kin:
    """Clips of the same sound.

    Parameters
    ----------
    copies : list of list of int
        Positions of clips whose decoded samples are equal, for every sound that several have.
    near : list of Near
        Pairs that are nearly the same; of copies, the first stands for all.
    """

    copies: list[list[int]]
    near: list[Near]

    def families(self) -> list[list[int]]:
        """Return positions of clips that belong together, however far around."""
        return self._joined(0.0)

    def nearly(self) -> set[int]:
        """Return the positions of clips that are nearly the same as another."""
        first_of = {i: one[0] for one in self.copies for i in one}
        paired = {i for pair in self.near for i in (pair.first, pair.second)}
        return paired | {i for i, first in first_of.items() if first in paired}

    def same_sound(self) -> list[list[int]]:
        """Return positions of clips that have one sound and nothing else of note."""
        return self._joined(SAME_SHARE)

    def only(self, kept: Sequence[int]) -> Kin:
        """Return the same of some of the clips, by their positions among these.

        Parameters
        ----------
        kept : sequence of int
            If any of copies is kept, the first is.
        """
        now = {old: new for new, old in enumerate(kept)}
        copies = [[now[i] for i in one if i in now] for one in self.copies]
        near = [
            replace(pair, first=now[pair.first], second=now[pair.second])
            for pair in self.near
            if pair.first in now and pair.second in now
        ]
        return Kin([one for one in copies if len(one) > 1], near)

    def _joined(self, least_covered: float) -> list[list[int]]:
        near = [(one.first, one.second) for one in self.near if one.covered >= least_covered]
        return components([*near, *((one[0], other) for one in self.copies for other in one[1:])])


def find_kin(found: Sequence[Found | None]) -> Kin:
    """Return which clips have the same sound.

    Parameters
    ----------
    found : sequence of Measurement, AudioError or None
        One a clip. Only those that were measured are compared; of silence, nothing is said.
    """
    by_pcm: dict[str, list[int]] = defaultdict(list)
    for i, one in enumerate(found):
        if isinstance(one, Measurement) and one.swing >= SILENT_SWING:
            by_pcm[one.pcm].append(i)
    firsts = [same[0] for same in by_pcm.values()]
    measured = {i: one.words for i, one in enumerate(found) if isinstance(one, Measurement)}
    near = [
        replace(pair, first=firsts[pair.first], second=firsts[pair.second])
        for pair in find_near([measured[i] for i in firsts])
    ]
    return Kin([same for same in by_pcm.values() if len(same) > 1], near)
