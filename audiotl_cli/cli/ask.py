"""The questions of ``audiotl label``: a clip, a guess, an answer that is saved at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from audiotl_cli.cli import output
from audiotl_cli.errors import DataError

if TYPE_CHECKING:
    from audiotl_cli.dataset.index import Index
    from audiotl_cli.workflows.label import Round, Suggestion

SKIP, QUIT = "s", "q"
HOW = (
    f"Answer with a number or a name; Enter takes the guess, {SKIP} skips, {QUIT} quits. Every "
    "answer is saved at once."
)


def ask_rounds(index: Index, next_round: Callable[[Index, set[Any]], Round]) -> None:
    """Ask for labels, round after round, until nothing is left or it is enough.

    Parameters
    ----------
    index : Index
        With the file that answers go into.
    next_round : callable
        Returns what to ask for, given the index as it is and the clips that were skipped.
    """
    from audiotl_cli.dataset.relabel import place_of, write_labels

    assert index.path is not None
    output.note(HOW)
    skipped: set[Any] = set()
    n_answers = 0
    while True:
        found = next_round(index, skipped)
        if not found.suggestions:
            output.line("No clip is left to label." if not skipped else "Only skipped ones left.")
            break
        output.note(f"{found.n_labelled} clips have a label, {found.n_open} more can get one")
        for one in found.suggestions:
            labels = index.labels()
            answer = _ask(one, labels, n_answers + 1)
            if answer == QUIT:
                output.line(f"{n_answers} labels written to {index.path}")
                return
            if answer == SKIP:
                skipped.add(place_of(one.clip))
                continue
            given = {place_of(one.clip): answer.removeprefix("=")}
            index = write_labels(index.path, given).index
            n_answers += 1
    output.line(f"{n_answers} labels written to {index.path}")


def _ask(one: Suggestion, labels: Sequence[str], number: int) -> str:
    """Return `SKIP`, `QUIT`, or ``=`` and a label."""
    from audiotl_cli.dataset.relabel import check_label
    from audiotl_cli.workflows.clip_names import name_of

    guess = next(iter(one.scores), "")
    output.line(f"{number}  {name_of(one.source)}", style="bold")
    if guess:
        likely = list(one.scores.items())[:3]
        output.line("   guess: " + ", ".join(f"{name} {score:.2f}" for name, score in likely))
    numbered = not any(label.isdecimal() for label in labels)
    if labels:
        names = [f"{i} {name}" if numbered else name for i, name in enumerate(labels, 1)]
        output.line("   " + "   ".join(names), style="dim")
    while True:
        text = _read("   label: ")
        if text is None or text == QUIT:
            return QUIT
        if text == SKIP:
            return SKIP
        if not text and guess:
            return f"={guess}"
        if numbered and text.isdecimal() and 1 <= int(text) <= len(labels):
            return f"={labels[int(text) - 1]}"
        if not text or (numbered and text.isdecimal()):
            output.line(f"   expected a name{f', 1 to {len(labels)}' if labels else ''}, s or q")
            continue
        try:
            check_label(text)
        except DataError as error:
            output.line(f"   {error}")
            continue
        if text in labels or _read(f"   {text!r} is a new label; y adds it: ") == "y":
            return f"={text}"


def _read(prompt: str) -> str | None:
    """Return a line without the spaces around it; None at the end of the input."""
    try:
        return input(output.clean(prompt)).strip()
    except EOFError:
        output.line("")
        return None
