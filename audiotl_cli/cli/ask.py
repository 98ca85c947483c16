"""The dialogue of ``audiotl label``: show a clip and a suggestion, and save the answer at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audiotl_cli.cli import output, terminal
from audiotl_cli.cli.typed_labels import confirm_new, label_lines, new_labels, parse_label
from audiotl_cli.errors import AudiotlError, DataError

if TYPE_CHECKING:
    from audiotl_cli.audio.types import AudioSource
    from audiotl_cli.dataset.index import Index
    from audiotl_cli.review.suggestions import Round, Suggestion

NextRound = Callable[["Index", set[Any]], "Round"]
"""Returns the next clips to ask about, from the current index and the skipped clips."""

SKIP, UNDO, PLAY, HELP, QUIT = "s", "u", "p", "?", "q"
INTRODUCTION = (
    f"Type the number or the name of a label, or press Enter to accept the suggestion; {HELP} "
    "lists all keys. Every answer is saved at once."
)
KEYS = (
    ("Enter", "accept the suggestion shown in brackets"),
    ("number", "choose the label with this number"),
    ("name", "choose this label; a;b gives the clip two labels"),
    ("=name", "the same, for a label whose name is a key or a number"),
    (PLAY, "play the clip; Ctrl-C stops playback"),
    (SKIP, "skip this clip"),
    (UNDO, "undo the last answer, and show that clip again"),
    (QUIT, "quit, like Ctrl-D and Ctrl-C"),
    (HELP, "show these keys and the labels"),
)
MAX_LABEL_LINES = 3
"""Most lines of labels shown with every question; longer lists are shown on request."""


@dataclass(frozen=True)
class Answer:
    """The answer for a clip.

    Parameters
    ----------
    suggestion : Suggestion
    label : str or None
        None if the clip was skipped.
    before : str
        The previous label of the clip.
    """

    suggestion: Suggestion
    label: str | None
    before: str = ""


class LabelSession:
    """Asks for labels in rounds, and writes each label into the index at once.

    Parameters
    ----------
    index : Index
        Its file receives the answers.
    next_round : callable
    """

    def __init__(self, index: Index, next_round: NextRound) -> None:
        assert index.path is not None
        self._index = index
        self._path = index.path
        self._next_round = next_round
        self._answers: list[Answer] = []
        self._queue: deque[Suggestion] = deque()
        self._shown: list[str] = []
        self._n_rounds = 0

    def run(self) -> None:
        """Ask until no clip is left or the user quits, then print what was written."""
        output.note(terminal.wrapped(INTRODUCTION))
        ended = False
        try:
            while self._ask_next():
                pass
            ended = True
        except KeyboardInterrupt:
            output.line("")
            ended = True
            raise
        finally:
            if ended or self._answers:
                self._summarise()

    def _ask_next(self) -> bool:
        """Ask about the next clip, and return whether to continue."""
        if not self._queue and not self._suggest():
            return False
        suggestion = self._queue.popleft()
        self._show(suggestion)
        while True:
            answer = self._read_answer(suggestion)
            if answer == QUIT:
                return False
            if answer == UNDO:
                if not self._undo():
                    continue
                self._queue.insert(1, suggestion)
                return True
            if answer == SKIP:
                self._answers.append(Answer(suggestion, None))
                return True
            if self._save(suggestion, answer.removeprefix("=")):
                return True

    def _suggest(self) -> bool:
        from audiotl_cli.dataset.relabel import place_of

        skipped = {place_of(a.suggestion.clip) for a in self._answers if a.label is None}
        found = self._next_round(self._index, skipped)
        self._queue.extend(found.suggestions)
        if not found.suggestions:
            output.line(
                "Only skipped clips are left to label." if skipped else "No clip is left to label."
            )
            return False
        show_progress(found, warn=self._n_rounds == 0)
        self._n_rounds += 1
        terminal.forget_typed()
        return True

    def _show(self, suggestion: Suggestion) -> None:
        from audiotl_cli.review.clip_names import bounds_text

        clip = suggestion.clip
        labels = self._index.labels()
        lines = label_lines(labels)
        output.line("")
        if len(lines) > MAX_LABEL_LINES and labels != self._shown:
            self._show_labels(labels, lines)
            output.line("")
        number = 1 + sum(answer.label is not None for answer in self._answers)
        output.line(f"{number}  {clip.path}{bounds_text(clip.start_s, clip.end_s)}", style="bold")
        if suggestion.scores:
            likely = list(suggestion.scores.items())[:3]
            terminal.say("guess: " + ", ".join(f"{name} {score:.2f}" for name, score in likely))
        if len(lines) <= MAX_LABEL_LINES:
            self._show_labels(labels, lines)

    def _show_labels(self, labels: list[str], lines: Sequence[str]) -> None:
        self._shown = labels
        for line in lines:
            output.line(f"   {line}", style="dim")

    def _read_answer(self, suggestion: Suggestion) -> str:
        """Return `SKIP`, `UNDO`, `QUIT`, or ``=`` and a label."""
        guess = next(iter(suggestion.scores), "")
        question = f"   label [{guess}]:" if guess else "   label:"
        text = terminal.read_line(question)
        while True:
            labels = self._index.labels()
            if text is None or text == QUIT:
                return QUIT
            if text in (SKIP, UNDO):
                return text
            if text == HELP:
                show_keys(KEYS)
                self._show_labels(labels, label_lines(labels))
            elif text == PLAY:
                play_clip(suggestion.source)
            elif not text and guess:
                return f"={guess}"
            else:
                label = parse_label(text, labels)
                if label is not None:
                    new = new_labels(label, labels)
                    if not new:
                        return f"={label}"
                    text = confirm_new(new, labels)
                    if text == "y":
                        return f"={label}"
                    if text not in ("", "n"):
                        continue
            text = terminal.read_line(question)

    def _save(self, suggestion: Suggestion, label: str) -> bool:
        """Write a label, and return whether the question is answered."""
        from audiotl_cli.dataset.relabel import place_of, write_labels

        place = place_of(suggestion.clip)
        before = suggestion.clip.label
        try:
            written = write_labels(self._path, {place: label}, instead_of={place: before})
        except (DataError, OSError) as error:
            terminal.say(f"not saved: {reason_of(error)}", style="yellow")
            return False
        self._index = written.index
        if written.before[place] != before:
            terminal.say(
                f"not saved: the clip was labelled {written.before[place]!r} by another program",
                style="yellow",
            )
            return True
        self._answers.append(Answer(suggestion, label, before))
        terminal.say(f"saved: {label}", style="green")
        return True

    def _undo(self) -> bool:
        """Undo the last answer, and put its clip at the front of the queue."""
        from audiotl_cli.dataset.relabel import place_of, write_labels

        if not self._answers:
            terminal.say("there is nothing to undo")
            return False
        last = self._answers[-1]
        if last.label is not None:
            place = place_of(last.suggestion.clip)
            try:
                written = write_labels(
                    self._path, {place: last.before}, instead_of={place: last.label}
                )
            except (DataError, OSError) as error:
                terminal.say(f"not undone: {reason_of(error)}", style="yellow")
                return False
            self._index = written.index
            if written.before[place] != last.label:
                self._answers.pop()
                terminal.say(
                    f"not undone: the clip was labelled {written.before[place]!r} by another "
                    "program",
                    style="yellow",
                )
                return False
        self._answers.pop()
        self._queue.appendleft(last.suggestion)
        terminal.say(f"undone: {last.label or 'skipped'}", style="green")
        return True

    def _summarise(self) -> None:
        n_written = sum(answer.label is not None for answer in self._answers)
        n_skipped = len(self._answers) - n_written
        skipped = f"; {n_skipped} skipped" if n_skipped else ""
        output.line(
            f"{n_written} label{'' if n_written == 1 else 's'} written to {self._path}{skipped}"
        )


def show_progress(found: Round, *, warn: bool = True) -> None:
    """Print the progress of labelling, and how many clips cannot be suggested."""
    text = f"{found.n_labelled} clips are labelled, {found.n_open} more can be labelled"
    output.note(terminal.wrapped(text))
    if warn and found.n_unknown:
        output.warn(
            f"{found.n_unknown} unlabelled clips have no features and cannot be suggested; "
            "run: audiotl extract"
        )


def reason_of(error: Exception) -> str:
    """Return why something cannot be saved."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def play_clip(source: AudioSource) -> None:
    """Play a clip, and say why if that is not possible."""
    from audiotl_cli.cli.player import play

    terminal.say("playing; press Ctrl-C to stop", style="dim")
    try:
        play(source)
    except KeyboardInterrupt:
        output.line("")
    except AudiotlError as error:
        terminal.say(str(error), style="yellow")


def show_keys(keys: Sequence[tuple[str, str]]) -> None:
    """Print keys and what they mean."""
    width = max(len(key) for key, _ in keys)
    for key, meaning in keys:
        output.line(f"   {key.ljust(width)}  {meaning}")
