"""The labels in a cell of a table, where several are joined."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from audiotl_cli.errors import DataError
from audiotl_cli.labels import SEPARATOR

_QUOTED = r"\s*(?:'[^']*'|\"[^\"]*\")\s*"
_LIST = re.compile(rf"\[(?:{_QUOTED}(?:,{_QUOTED})*)?\]")
_MAYBE_SEPARATORS = (",", "|", "/", "+", "&")


def check_labels(cells: Iterable[tuple[str, str]]) -> None:
    """Raise `DataError` if labels are JSON, as tools of annotation export it.

    Parameters
    ----------
    cells : iterable of (str, str)
        Each cell, and where it is.
    """
    for cell, where in cells:
        if re.match(r"\[?\s*\{", cell):
            raise DataError(
                f"{where}: the label is {cell[:40]!r}, an object of JSON; expected a label, "
                "several joined by ;, or a list such as ['dog', 'rain']. Export the labels as "
                "plain text"
            )


def labels_in_cell(cell: str, separator: str | None) -> str:
    """Return the labels of a cell joined by ``;``.

    Parameters
    ----------
    cell : str
        A label, several joined by ``;``, or a list as Python prints it: ``['dog', 'rain']``.
    separator : str or None
        What else separates labels.
    """
    if _LIST.fullmatch(cell):
        parts = [found[1:-1] for found in re.findall(r"'[^']*'|\"[^\"]*\"", cell)]
    elif separator:
        parts = cell.split(separator)
    else:
        return cell
    return SEPARATOR.join(dict.fromkeys(filter(None, map(str.strip, parts))))


def warn_of_joined_labels(cells: Iterable[str], name: str) -> str:
    """Return a warning if labels look joined by something else than ``;``, else an empty text.

    That is so if several different cells hold the sign, and parts of them recur in others.
    """
    labels = {cell for cell in cells if cell and not _LIST.fullmatch(cell)}
    for sign in _MAYBE_SEPARATORS:
        joined = sorted(label for label in labels if sign in label)
        counts = Counter(part for label in labels for part in {*map(str.strip, label.split(sign))})
        recurring = [
            label for label in joined
            if sum(counts[part.strip()] > 1 for part in label.split(sign) if part.strip()) > 1
        ]  # fmt: skip
        if len(joined) > 1 and 2 * len(recurring) >= len(joined):
            return (
                f"{len(joined)} of {len(labels)} different labels of {name} look like "
                f"several joined by {sign!r}, such as {recurring[0]!r}. If they are, index with "
                f"--label-separator {sign!r}"
            )
    return ""
