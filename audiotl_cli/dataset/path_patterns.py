"""Labels, groups and folds that are part of the paths of clips."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.options import IndexOptions
from audiotl_cli.errors import UsageError
from audiotl_cli.labels import SEPARATOR


@dataclass(frozen=True)
class Pattern:
    """A regular expression, searched in the path below the source; its first group is the value.

    Parameters
    ----------
    option : str
        Where it comes from, for messages.
    expression : str
    """

    option: str
    expression: str

    def compiled(self) -> re.Pattern[str]:
        """Return it compiled, or raise `UsageError`."""
        try:
            pattern = re.compile(self.expression)
        except re.error as error:
            raise UsageError(f"{self.option} {self.expression!r} is not valid: {error}") from error
        if pattern.groups < 1:
            raise UsageError(
                f"{self.option} {self.expression!r} has no group; put the value in (...)"
            )
        return pattern


def fill_from_paths(clips: list[Clip], options: IndexOptions) -> list[Clip]:
    """Fill groups and folds from the paths, if that is asked for; errors as `search_paths`."""
    if options.group_regex:
        clips = search_paths(clips, "group", Pattern("--group-regex", options.group_regex))
    if options.fold_regex:
        clips = search_paths(clips, "fold", Pattern("--fold-regex", options.fold_regex))
    return clips


def one_label_each(clips: Sequence[Clip]) -> tuple[list[Clip], list[str]]:
    """Return clips whose labels are names of folders or files, which are one label each.

    An index separates labels by ``;``, so a comma stands for it; a warning says so.
    """
    found = sorted({clip.label for clip in clips if SEPARATOR in clip.label})
    if not found:
        return list(clips), []
    changed = [replace(clip, label=clip.label.replace(SEPARATOR, ",")) for clip in clips]
    return changed, [
        f"an index separates labels by {SEPARATOR!r}, so it is written as a comma in the labels "
        f"{', '.join(map(repr, found))}; for several labels a clip, use a table"
    ]


def search_paths(
    clips: list[Clip], column: Literal["label", "group", "fold"], pattern: Pattern
) -> list[Clip]:
    """Fill a column from the paths, by a regular expression.

    Raises
    ------
    UsageError
        The expression is not valid, or matches no path.
    """
    compiled = pattern.compiled()
    found = [compiled.search(clip.path) for clip in clips]
    if not any(found):
        raise UsageError(
            f"{pattern.option} {pattern.expression!r} matches no path, for example "
            f"{clips[0].path!r}"
        )
    values = [(match.group(1) or "").strip() if match else "" for match in found]
    return [
        replace(clip, **{column: value}) if value else clip  # type: ignore[arg-type]
        for clip, value in zip(clips, values, strict=True)
    ]
