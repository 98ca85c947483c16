"""Labels, groups and folds that are part of the paths of clips."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.options import IndexOptions
from audiotl_cli.errors import UsageError


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
