"""Give clips their splits and folds. What belongs to one group is never parted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.split import deal, natural
from audiotl_cli.errors import UsageError


def assign_folds(
    clips: list[Clip], n_folds: int, seed: int, *, option: str = "--folds"
) -> list[Clip]:
    """Deal clips into folds 1 ... n, groups kept together, labels spread evenly.

    Raises
    ------
    UsageError
        There are not so many groups; the message names `option`.
    """
    groups = {_unit(replace(clip, fold="")) for clip in clips}
    if not 2 <= n_folds <= len(groups):
        raise UsageError(
            f"{option} is {n_folds}; expected 2 to {len(groups)}, the number of groups"
        )
    parts = deal(
        [clip.label for clip in clips],
        [_unit(replace(clip, fold="")) for clip in clips],
        [1 / n_folds] * n_folds,
        seed,
    )
    return [replace(clip, fold=str(part + 1)) for clip, part in zip(clips, parts, strict=True)]


def fold_each_group(clips: list[Clip], *, option: str = "--folds group") -> list[Clip]:
    """Let every group be a fold, to leave one group out at a time.

    Raises
    ------
    UsageError
        There are fewer than two groups, or clips without one; the message names `option`.
    """
    without = [clip.path for clip in clips if not clip.group]
    n_groups = len({clip.group for clip in clips if clip.group})
    if without or n_groups < 2:
        found = (
            f"{len(without)} clips have none, such as {without[0]}" if without else "there is one"
        )
        raise UsageError(
            f"{option} needs a group for every clip, and two groups at least; {found}. Groups come "
            "from --group-regex, --group-column or a data set"
        )
    return [replace(clip, fold=clip.group) for clip in clips]


def assign_splits(clips: list[Clip], test_size: float, seed: int) -> list[Clip]:
    """Deal clips into ``train`` and ``test``, labels spread evenly.

    Clips of one group stay together; where there are no groups but folds, whole folds do,
    because a data set's own folds usually keep apart what belongs together.

    Parameters
    ----------
    clips : list of Clip
        Those with a split keep it: if any has one, nothing is dealt.
    test_size : float
        Share of clips for the test, 0 to below 1.
    seed : int
    """
    if any(clip.split for clip in clips):
        return clips
    if not 0 <= test_size < 1:
        raise UsageError(f"--test-size is {test_size}, expected a share from 0 to below 1")
    if test_size == 0:
        return [replace(clip, split="train") for clip in clips]
    parts = deal(
        [clip.label for clip in clips],
        [_unit(clip) for clip in clips],
        [1 - test_size, test_size],
        seed,
    )
    return [
        replace(clip, split=("train", "test")[part])
        for clip, part in zip(clips, parts, strict=True)
    ]


def assign_splits_by_time(
    clips: list[Clip], times: Sequence[float], test_size: float
) -> list[Clip]:
    """Split clips by time: the oldest into ``train``, the newest into ``test``.

    A group is as new as its newest clip, and so is a recording: neither is parted. Where
    groups last, training clips may therefore be newer than some test clips, never of the
    same group.

    Parameters
    ----------
    clips : list of Clip
    times : sequence of float
        When each was recorded, in any unit.
    test_size : float
        Share of clips for the test, above 0 and below 1; met as nearly as groups allow.

    Raises
    ------
    UsageError
        Some clips have splits already; the share is out of range; or there is one group.
    """
    if any(clip.split for clip in clips):
        raise UsageError("--by-time splits anew, and the source has splits already; leave it out")
    if not 0 < test_size < 1:
        raise UsageError(f"--test-size is {test_size}; by time, expected a share between 0 and 1")
    latest: dict[tuple[str, str], float] = {}
    sizes: Counter[tuple[str, str]] = Counter()
    for clip, time in zip(clips, times, strict=True):
        unit = _unit(replace(clip, fold=""))
        latest[unit] = max(latest.get(unit, time), time)
        sizes[unit] += 1
    if len(latest) < 2:
        raise UsageError("--by-time needs two recordings or groups at least; there is one")
    newest_first = sorted(latest, key=lambda unit: (-latest[unit], natural(unit[1])))
    target, held = test_size * len(clips), 0
    test: set[tuple[str, str]] = set()
    for unit in newest_first[:-1]:
        if test and abs(held + sizes[unit] - target) >= abs(held - target):
            break
        test.add(unit)
        held += sizes[unit]
    return [
        replace(clip, split="test" if _unit(replace(clip, fold="")) in test else "train")
        for clip in clips
    ]


def _unit(clip: Clip) -> tuple[str, str]:
    """Return what must stay together: the group, else the fold, else the recording."""
    if clip.group:
        return "group", clip.group
    return ("fold", clip.fold) if clip.fold else ("path", clip.path)
