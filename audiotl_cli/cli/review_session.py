"""The dialogue of ``audiotl review``: show a detection, play it, and save the verdict at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiotl_cli.cli import output, terminal
from audiotl_cli.cli.ask import HELP, PLAY, QUIT, SKIP, UNDO, play_clip, reason_of, show_keys
from audiotl_cli.cli.typed_labels import confirm_new, label_lines, new_labels, parse_label
from audiotl_cli.errors import DataError
from audiotl_cli.text import counted

if TYPE_CHECKING:
    from audiotl_cli.review.detections import Detection
    from audiotl_cli.workflows.review import Review

CONTEXT_S = 1.0
"""Seconds before and after a detection that are played as well."""

RIGHT, WRONG, UNSURE, NOTE = "r", "w", "x", "n"
NAMES = {"": "right", RIGHT: "right", WRONG: "wrong", UNSURE: "unsure"}
INTRODUCTION = (
    f"Press Enter if the label is right, type {WRONG} if it is wrong, or type the label that is "
    f"right; {PLAY} plays the detection, {HELP} lists all keys. Every verdict is saved at once."
)
KEYS = (
    (f"Enter, {RIGHT}", "the label is right"),
    (WRONG, "the label is wrong"),
    (UNSURE, "unsure"),
    ("number", "the label with this number is right instead"),
    ("name", "this label is right instead"),
    ("=name", "the same, for a label whose name is a key or a number"),
    (NOTE, "write a note, which is saved with the verdict"),
    (PLAY, f"play the detection with {CONTEXT_S:g} s before and after; Ctrl-C stops playback"),
    (SKIP, "skip this detection"),
    (UNDO, "undo the last verdict, and show that detection again"),
    (QUIT, "quit, like Ctrl-D and Ctrl-C"),
    (HELP, "show these keys and the labels"),
)


class ReviewSession:
    """Asks for verdicts until no detection is left or the user quits.

    Parameters
    ----------
    review : Review
    """

    def __init__(self, review: Review) -> None:
        self._review = review
        self._skipped: list[Detection] = []
        self._again: Detection | None = None
        self._n_given = 0
        self._labels = sorted({detection.label for detection in review.read.found})

    def run(self) -> None:
        """Ask, and print at the end what was written."""
        progress = self._review.progress()
        output.note(terminal.wrapped(INTRODUCTION))
        output.note(f"{progress.n_judged} of {progress.n_chosen} detections have a verdict")
        terminal.forget_typed()
        try:
            while self._ask_next():
                pass
        except KeyboardInterrupt:
            output.line("")
            raise
        finally:
            skipped = f"; {len(self._skipped)} skipped" if self._skipped else ""
            written = counted(self._n_given, "verdict")
            output.line(f"{written} written to {self._review.table}{skipped}")

    def _ask_next(self) -> bool:
        queue = self._review.queue(self._skipped)
        if self._again is None and not queue:
            output.line("No detection is left to review.")
            return False
        detection = self._again or queue[0]
        self._again = None
        self._show(detection, len(queue))
        return self._answer(detection)

    def _show(self, detection: Detection, n_left: int) -> None:
        bounds = f"{detection.start_s:g}-{detection.end_s:g}"
        score = "" if detection.score is None else f" {detection.score:.2f}"
        output.line("")
        output.line(f"{detection.path}:{bounds}", style="bold")
        terminal.say(f"{detection.label}{score}   ({n_left} left)")

    def _answer(self, detection: Detection) -> bool:
        """Ask until there is a verdict, and return whether to continue."""
        note = ""
        while True:
            text = terminal.read_line("   verdict [right]:")
            if text is None or text == QUIT:
                return False
            if text == SKIP:
                self._skipped.append(detection)
                return True
            if text == UNDO:
                if self._undo():
                    return True
            elif text == HELP:
                show_keys(KEYS)
                for line in label_lines(self._labels):
                    output.line(f"   {line}", style="dim")
            elif text == PLAY:
                _play(detection)
            elif text == NOTE:
                note = terminal.read_line("   note:") or ""
            elif self._judge(detection, text, note):
                return True

    def _judge(self, detection: Detection, text: str, note: str) -> bool:
        """Save a verdict, and return whether the question is answered."""
        correct = ""
        if (verdict := NAMES.get(text, "other")) == "other":
            label = parse_label(text, self._labels)
            if label is None:
                return False
            if new := new_labels(label, self._labels):
                if confirm_new(new, self._labels) != "y":
                    return False
                self._labels = sorted({*self._labels, *new})
            correct = label
        try:
            given = self._review.judge(detection, verdict, correct, note)
        except (DataError, OSError) as error:
            terminal.say(f"not saved: {reason_of(error)}", style="yellow")
            return False
        self._n_given += 1
        other = f" label, {given.correct_label}" if given.correct_label else ""
        terminal.say(f"saved: {given.verdict}{other}", style="green")
        return True

    def _undo(self) -> bool:
        try:
            undone = self._review.undo()
        except (DataError, OSError) as error:
            terminal.say(f"not undone: {reason_of(error)}", style="yellow")
            return False
        if undone is None:
            terminal.say("there is nothing to undo")
            return False
        self._n_given -= 1
        self._again = next(d for d in self._review.read.found if d.key == undone.key)
        terminal.say(f"undone: {undone.verdict}", style="green")
        return True


def _play(detection: Detection) -> None:
    from audiotl_cli.audio.types import AudioSource

    if detection.recording is None:
        terminal.say(f"{detection.path} was not found; see --audio-root", style="yellow")
        return
    start_s, end_s = max(0.0, detection.start_s - CONTEXT_S), detection.end_s + CONTEXT_S
    play_clip(AudioSource(detection.recording, start_s, end_s))
