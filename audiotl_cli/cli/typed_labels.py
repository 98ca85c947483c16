"""Labels as a person types them: by number or name, known or new."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from audiotl_cli.cli import output, terminal
from audiotl_cli.errors import DataError

MIN_LIKENESS = 0.6
"""Share of signs that two names have in common before one is offered for the other."""


def is_numbered(labels: Sequence[str]) -> bool:
    """Return whether labels can be chosen by number: none of them is one."""
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
    """Return the label that was typed, or None, having said why there is none."""
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
            terminal.say(f"expected a name{numbers}, or a key; ? shows them")
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
    """Return those labels of a clip that are not known yet."""
    from audiotl_cli.dataset.index import LABEL_SEPARATOR

    return [name for name in label.split(LABEL_SEPARATOR) if name not in labels]


def confirm_new(new: Sequence[str], labels: Sequence[str]) -> str | None:
    """Ask whether labels are to be added; the answer may also be another label."""
    near = [name for text in new for name in nearest_labels(text, labels)]
    if near:
        numbered = is_numbered(labels)
        known = [f"{labels.index(name) + 1} {name}" if numbered else name for name in near]
        terminal.say(f"known and similar: {', '.join(known)}")
    names = " and ".join(map(repr, new))
    kind = "is a new label" if len(new) == 1 else "are new labels"
    return terminal.read_line(f"   {names} {kind}; y adds it, or type another:")


def nearest_labels(text: str, labels: Sequence[str]) -> list[str]:
    """Return known labels that are spelt like a text, or that have a word spelt like it."""

    def likeness(label: str) -> float:
        names = [label.casefold(), *label.casefold().split()]
        return max(difflib.SequenceMatcher(None, text.casefold(), name).ratio() for name in names)

    ranked = sorted(((likeness(label), label) for label in labels), key=lambda pair: -pair[0])
    return [label for score, label in ranked[:3] if score >= MIN_LIKENESS]
