"""Give clips their splits and folds. Clips of one group always stay together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from audiotl_cli.dataset.columns import column_by_path, named_columns
from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.options import IndexOptions
from audiotl_cli.dataset.split import deal, natural
from audiotl_cli.dataset.times import times_from_column, times_from_files, times_from_names
from audiotl_cli.errors import UsageError
from audiotl_cli.storage.paths import AnyPath


def split_clips(
    clips: list[Clip], options: IndexOptions, root: AnyPath, tables: Sequence[AnyPath]
) -> list[Clip]:
    """Deal clips into folds, if that is asked for, and into splits.

    Parameters
    ----------
    clips : list of Clip
    options : IndexOptions
    root : Path or RemotePath
        What the paths of clips are relative to.
    tables : sequence of Path or RemotePath
        The files that list the clips.

    Raises
    ------
    UsageError
        It cannot be done with these groups, or times are not known.
    """
    if options.folds == "group":
        clips = fold_each_group(clips)
    elif options.folds is not None:
        clips = assign_folds(clips, options.folds, options.seed)
    if options.by_time is None:
        return assign_splits(clips, options.test_size, options.seed)
    times = _times(clips, options, root, tables)
    return assign_splits_by_time(clips, times, options.test_size)


def _times(
    clips: list[Clip], options: IndexOptions, root: AnyPath, tables: Sequence[AnyPath]
) -> list[float]:
    """Return when clips were recorded, by their names, their files, or a column of a table."""
    by = options.by_time or ""
    if by == "name":
        return times_from_names(clips)
    if by == "modified":
        return times_from_files(clips, root)
    if not tables:
        raise UsageError(
            f"--by-time is {by!r}; choose name or modified, or give the table that has a column "
            "of that name: --metadata FILE.csv"
        )
    cells = column_by_path(tables[0], root, by, named_columns(options))
    return times_from_column(clips, by, cells)


def assign_folds(
    clips: list[Clip], n_folds: int, seed: int, *, option: str = "--folds"
) -> list[Clip]:
    """Deal clips into folds 1 ... n, groups kept together, labels spread evenly.

    Raises
    ------
    UsageError
        There are fewer groups than folds; the message names `option`.
    """
    units = [_unit(clip, keep_folds=False) for clip in clips]
    n_units = len(set(units))
    if not 2 <= n_folds <= n_units:
        raise UsageError(f"{option} is {n_folds}; expected 2 to {n_units}, the number of groups")
    parts = deal([clip.label for clip in clips], units, [1 / n_folds] * n_folds, seed)
    return [replace(clip, fold=str(part + 1)) for clip, part in zip(clips, parts, strict=True)]


def fold_each_group(clips: list[Clip], *, option: str = "--folds group") -> list[Clip]:
    """Make every group a fold, so that one group is left out at a time.

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

    Clips of one group stay together. Without groups, clips of one fold do, because a data set's
    own folds usually keep clips of one source together.

    Parameters
    ----------
    clips : list of Clip
        If any has a split already, nothing is dealt.
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

    A group, or else a recording, is as new as its newest clip and stays together. So where
    groups span some time, training clips may be newer than test clips of other groups.

    Parameters
    ----------
    clips : list of Clip
    times : sequence of float
        When each was recorded, in any unit.
    test_size : float
        Share of clips for the test, above 0 and below 1; met as closely as groups allow.

    Raises
    ------
    UsageError
        Some clips have splits already; the share is out of range; or there is one group.
    """
    if any(clip.split for clip in clips):
        raise UsageError("the source has splits already, so --by-time cannot be used; leave it out")
    if not 0 < test_size < 1:
        raise UsageError(f"--test-size is {test_size}; by time, expected a share between 0 and 1")
    latest: dict[tuple[str, str], float] = {}
    sizes: Counter[tuple[str, str]] = Counter()
    for clip, time in zip(clips, times, strict=True):
        unit = _unit(clip, keep_folds=False)
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
        replace(clip, split="test" if _unit(clip, keep_folds=False) in test else "train")
        for clip in clips
    ]


def _unit(clip: Clip, *, keep_folds: bool = True) -> tuple[str, str]:
    """Return what must stay together: the group, else the fold, else the recording."""
    if clip.group:
        return "group", clip.group
    return ("fold", clip.fold) if keep_folds and clip.fold else ("path", clip.path)
