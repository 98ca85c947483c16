"""Parse labels that a user types, by number or name, and confirm new ones."""

from __future__ import annotations

from collections.abc import Sequence

from audiotl_cli.cli import output, terminal
from audiotl_cli.errors import DataError
from audiotl_cli.spelling import nearest


def is_numbered(labels: Sequence[str]) -> bool:
    """Return whether labels can be chosen by number, because no label is itself a number."""
    return not any(label.isdecimal() for label in labels)


def label_lines(labels: Sequence[str]) -> list[str]:
    """Return the labels in columns, numbered downwards, within the terminal's width."""
    if not labels:
        return []
    digits = len(str(len(labels)))
    cells = [
        f"{i:>{digits}} {output.clean(name)}" if is_numbered(labels) else output.clean(name)
        for i, name in enumerate(labels, 1)
    ]
    width = max(map(len, cells)) + 3
    n_columns = max(1, (output.console().width - 3) // width)
    n_lines = -(-len(cells) // n_columns)
    return [
        "".join(cell.ljust(width) for cell in cells[i::n_lines]).rstrip() for i in range(n_lines)
    ]


def parse_label(text: str, labels: Sequence[str]) -> str | None:
    """Return the typed label, or None after printing why it is invalid."""
    from audiotl_cli.dataset.index import LABEL_SEPARATOR
    from audiotl_cli.dataset.relabel import check_label

    numbered = is_numbered(labels) and not text.startswith("=")
    parts: list[str] = []
    for part in text.removeprefix("=").split(LABEL_SEPARATOR):
        name = part.strip()
        if numbered and name.isdecimal() and 1 <= int(name) <= len(labels):
            name = labels[int(name) - 1]
        elif not name or (numbered and name.isdecimal()):
            numbers = f", 1 to {len(labels)}" if labels and numbered else ""
            terminal.say(f"expected a label{numbers}, or a key; type ? to list the keys")
            return None
        parts.append(name)
    label = LABEL_SEPARATOR.join(dict.fromkeys(parts))
    try:
        check_label(label)
    except DataError as error:
        terminal.say(str(error))
        return None
    return label


def new_labels(label: str, labels: Sequence[str]) -> list[str]:
    """Return the labels of a clip that are new."""
    from audiotl_cli.dataset.index import LABEL_SEPARATOR

    return [name for name in label.split(LABEL_SEPARATOR) if name not in labels]


def confirm_new(new: Sequence[str], labels: Sequence[str]) -> str | None:
    """Ask whether to add new labels; the answer may also be another label."""
    near = [name for text in new for name in nearest(text, labels)]
    if near:
        numbered = is_numbered(labels)
        known = [f"{labels.index(name) + 1} {name}" if numbered else name for name in near]
        terminal.say(f"similar labels: {', '.join(known)}")
    names = " and ".join(map(repr, new))
    kind = "is a new label" if len(new) == 1 else "are new labels"
    return terminal.read_line(f"   {names} {kind}; type y to add, or another label:")
