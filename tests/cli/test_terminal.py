"""What asks in a terminal, in a terminal: a program started on a pty, and a person's keys."""

from __future__ import annotations

import ast
import os
import pty
import re
import select
import signal
import stat
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from fcntl import ioctl
from pathlib import Path

import pytest
import soundfile

import audiotl_cli
from audiotl_cli import Index
from tests.conftest import Run

INDEX = Path("data/index/sounds.csv")
KNOWN = ("00.wav", "01.wav", "06.wav")  # of every label
QUESTION = re.compile(r"label( \[\w+\])?: $")
AUDIOTL = """
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from audiotl_cli.cli.main import main
main()
"""
CTRL_C, CTRL_D = "\x03", "\x04"


class Screen:
    """A program in a terminal of its own.

    Parameters
    ----------
    args : objects
        The command line.
    columns : int
    path : str, optional
        The variable PATH.
    """

    def __init__(self, *args: object, columns: int = 80, path: str | None = None) -> None:
        self._master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = os.environ | {"TERM": "xterm", "NO_COLOR": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", AUDIOTL, *map(str, args)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env=environment if path is None else environment | {"PATH": path},
        )
        os.close(slave)
        self.text = ""
        self._read = 0

    def until(self, what: str | re.Pattern[str], seconds: float = 60) -> str:
        """Wait until something new is on the screen, and return all that came up to it."""
        pattern = re.compile(re.escape(what)) if isinstance(what, str) else what
        end = time.monotonic() + seconds
        while True:
            new = self.text[self._read :]
            if found := pattern.search(new):
                self._read += found.end()
                return new[: found.end()]
            assert self._take(end - time.monotonic()), f"no {pattern.pattern!r} in:\n{self.text}"

    def type(self, keys: str) -> None:
        """Type keys at once."""
        os.write(self._master, keys.encode())

    def answer(self, text: str) -> str:
        """Wait for a question, answer it, and return what was on the screen before."""
        before = self.until(QUESTION)
        self.type(f"{text}\n")
        return before

    def end(self) -> int:
        """Return the exit code, once the program has ended; the rest of its text is kept."""
        while self._take(60):
            pass
        return self._process.wait(timeout=60)

    def hang_up(self) -> None:
        """Close the terminal's window."""
        os.killpg(self._process.pid, signal.SIGHUP)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def _take(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(seconds, 0))
        try:
            data = os.read(self._master, 65536) if ready else b""
        except OSError:  # the program has closed its end
            data = b""
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", data.decode())
        self.text += text.replace("\r\n", "\n")
        return bool(data)


@pytest.fixture
def screen() -> Iterator[Callable[..., Screen]]:
    opened: list[Screen] = []

    def open_screen(*args: object, **more: object) -> Screen:
        opened.append(Screen(*args, **more))  # type: ignore[arg-type]
        return opened[-1]

    yield open_screen
    for terminal in opened:
        terminal.close()


@pytest.fixture
def begun(project: Path, sounds: Path, run: Run) -> Path:
    """Return a project in which a few clips have a label."""
    run("index", sounds, "--test-size", 0)
    assert run("extract", "--extractor", "mfcc").code == 0
    lines = INDEX.read_text().splitlines()
    rows = [line.split(",") for line in lines]
    for row in rows[1:]:
        row[1] = row[1] if row[0].endswith(KNOWN) else ""
    INDEX.write_text("".join(",".join(row) + "\n" for row in rows))
    return project


def labels() -> dict[str, str]:
    """Return the labels that are in the index beside those it began with."""
    clips = Index.read(INDEX).clips
    return {clip.path: clip.label for clip in clips if clip.label and not clip.path.endswith(KNOWN)}


def asked(text: str) -> str:
    """Return the clip that was asked for last."""
    return str(re.findall(r"^\d+  (\S+)$", text, re.MULTILINE)[-1])


def test_answers_typed_in_a_terminal_are_in_the_index(
    begun: Path, screen: Callable[..., Screen]
) -> None:
    terminal = screen("label")

    terminal.until(f"Index {INDEX}", 20)  # long before the first question
    first = asked(terminal.answer("2"))
    assert terminal.until("saved: drum")
    second = asked(terminal.answer("rain"))
    third = terminal.answer("")
    terminal.answer("q")

    assert terminal.end() == 0
    guess = re.findall(r"guess: (\w+)", third)[-1]
    assert labels() == {first: "drum", second: "rain", asked(third): guess}
    assert f"3 labels written to {INDEX}" in terminal.text
    assert "Next: audiotl train" in terminal.text


@pytest.mark.parametrize("columns", [40, 80])
def test_it_says_what_it_is_doing_before_the_first_question(
    begun: Path, screen: Callable[..., Screen], columns: int
) -> None:
    terminal = screen("label", columns=columns)

    before = terminal.answer("q")

    for step in ("Reading the features", "Training on", "Choosing among"):
        assert step in before
    shown = before[before.index("9 clips are labelled") :]
    assert all(len(line) <= columns for line in shown.splitlines())


def test_undo_restores_the_cell_and_asks_again(begun: Path, screen: Callable[..., Screen]) -> None:
    before = INDEX.read_bytes()
    terminal = screen("label")

    first = asked(terminal.answer("u"))
    terminal.until("there is nothing to undo")
    terminal.answer("1")
    terminal.until("saved: chirp")
    assert labels() == {first: "chirp"}
    second = asked(terminal.answer("s"))
    assert asked(terminal.answer("u")) not in (first, second)
    terminal.until("undone: skipped")
    assert asked(terminal.answer("u")) == second
    terminal.until("undone: chirp")
    assert INDEX.read_bytes() == before
    assert asked(terminal.answer("2")) == first
    terminal.answer("q")

    assert terminal.end() == 0
    assert labels() == {first: "drum"}


def test_help_lists_every_key_and_label(begun: Path, screen: Callable[..., Screen]) -> None:
    terminal = screen("label")

    terminal.answer("?")
    shown = terminal.answer("q")

    for key in ("Enter", "number", "name", "p ", "s ", "u ", "q ", "? "):
        assert re.search(rf"^   {re.escape(key)}", shown, re.MULTILINE)
    assert re.search(r"1 chirp +2 drum +3 rain", shown)


def test_a_label_that_is_not_known_is_asked_for_once(
    begun: Path, screen: Callable[..., Screen]
) -> None:
    terminal = screen("label")

    first = asked(terminal.answer("rian"))
    assert "similar labels: 3 rain" in terminal.until("'rian' is a new label")
    terminal.until("or another label: ")
    terminal.type("rain\n")
    terminal.until("saved: rain")
    second = asked(terminal.answer("hail"))
    terminal.until("'hail' is a new label")
    terminal.type("y\n")
    terminal.until("saved: hail")
    third = asked(terminal.answer("hail"))
    assert "new label" not in terminal.until("saved: hail")
    terminal.answer("q")

    assert terminal.end() == 0
    assert labels() == {first: "rain", second: "hail", third: "hail"}


@pytest.mark.parametrize(("key", "code"), [(CTRL_C, 130), (CTRL_D, 0)])
@pytest.mark.parametrize("at_the_second_question", [False, True])
def test_leaving_keeps_what_was_answered(
    begun: Path,
    screen: Callable[..., Screen],
    key: str,
    code: int,
    at_the_second_question: bool,
) -> None:
    terminal = screen("label")

    first = asked(terminal.answer("1"))
    if at_the_second_question:
        terminal.answer("thunder")
        terminal.until("or another label: ")
    else:
        terminal.until(QUESTION)
    terminal.type(key)

    assert terminal.end() == code
    assert labels() == {first: "chirp"}
    assert f"1 label written to {INDEX}" in terminal.text
    assert "Traceback" not in terminal.text


def test_keys_pressed_while_it_works_answer_nothing(
    begun: Path, screen: Callable[..., Screen]
) -> None:
    terminal = screen("label")

    terminal.until(f"Index {INDEX}")
    terminal.type("\n\n\n")
    terminal.answer("q")

    assert terminal.end() == 0
    assert labels() == {}


def write_program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_a_clip_is_played_and_asked_for_again(
    begun: Path, screen: Callable[..., Screen], monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = begun / "programs"
    programs.mkdir()
    write_program(programs / "ffplay", f"for last; do :; done; cp $last {begun}/played.wav")
    decoy = f"touch {begun}/obeyed"
    for name in ("ffplay", "afplay", "paplay", "aplay"):
        write_program(begun / name, decoy)
    path = os.pathsep.join(["", ".", str(begun), str(programs), "/usr/bin", "/bin"])
    terminal = screen("label", path=path)

    first = asked(terminal.answer("p"))
    terminal.until("playing")
    terminal.answer("q")

    assert terminal.end() == 0
    assert not (begun / "obeyed").exists()
    recording = soundfile.info(str(Index.read(INDEX).audio_root / first))
    assert soundfile.info(begun / "played.wav").duration == pytest.approx(
        recording.duration, abs=0.01
    )


def test_without_a_player_it_says_what_to_install(
    begun: Path, screen: Callable[..., Screen]
) -> None:
    terminal = screen("label", path="")

    terminal.answer("p")
    assert "no audio player was found" in terminal.until("audiotl[live]")
    terminal.answer("q")

    assert terminal.end() == 0


def test_an_answer_does_not_replace_what_another_process_wrote(
    begun: Path, screen: Callable[..., Screen], run: Run
) -> None:
    terminal = screen("label")

    first = asked(terminal.until(QUESTION))
    assert run("label", "--set", f"{first}=hail").code == 0
    terminal.type("1\n")
    assert "the clip was labelled 'hail' by another program" in " ".join(
        terminal.until("another program").split()
    )
    terminal.answer("q")

    assert terminal.end() == 0
    assert labels() == {first: "hail"}
    assert "0 labels written" in terminal.text


def test_a_closed_terminal_ends_it(begun: Path, screen: Callable[..., Screen]) -> None:
    terminal = screen("label")
    first = asked(terminal.answer("1"))
    terminal.until(QUESTION)

    terminal.hang_up()
    terminal.end()

    assert labels() == {first: "chirp"}


def test_piped_answers_are_shown_beside_their_questions(begun: Path) -> None:
    command = [sys.executable, "-m", "audiotl_cli", "label", "--ask"]

    done = subprocess.run(command, input="1\ns\n", capture_output=True, text=True, check=False)

    assert done.returncode == 0
    assert re.search(r"label \[\w+\]: 1\n   saved: chirp\n", done.stdout)
    assert list(labels().values()) == ["chirp"]
    assert f"1 label written to {INDEX}; 1 skipped" in done.stdout
    assert "Training on 9 clips of 3 labels\n" in done.stderr


def test_without_a_terminal_nothing_is_asked(begun: Path) -> None:
    command = [sys.executable, "-m", "audiotl_cli", "label"]

    done = subprocess.run(command, input="1\n", capture_output=True, text=True, check=False)

    assert done.returncode == 0
    assert "label:" not in done.stdout
    assert labels() == {}


def test_nothing_asks_but_through_the_terminal() -> None:
    """Python's own ways to ask show their questions where, while a command runs, nobody looks."""
    folder = Path(audiotl_cli.__file__).parent
    asking = {"input", "getpass", "confirm", "prompt", "ask", "readline"}
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", None)
                owner = getattr(getattr(node.func, "value", None), "id", None)
                if name == "input" or (
                    owner in ("typer", "getpass", "Prompt", "Confirm")
                    and getattr(node.func, "attr", None) in asking
                ):
                    found.add(path.name)
                if ast.unparse(node.func) == "sys.stdin.readline":
                    found.add(path.name)
    assert found == {"terminal.py"}
