from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audiotl_cli.workflows.watch import Watcher
from tests.conftest import REPOSITORY, Run
from tests.waiting import wait_until

PATIENCE_S = 90


class Watching:
    """A process that watches a folder."""

    def __init__(self, model: Path, folder: Path, *args: object) -> None:
        command = [sys.executable, "-m", "audiotl_cli", "predict", "-m", model, "--watch", folder]
        more = ["--interval", 0.2, "--format", "jsonl", *args]
        self.process = subprocess.Popen(
            [str(part) for part in (*command, *more)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        )
        self._lines: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def next(self) -> Any:
        return json.loads(self._lines.get(timeout=PATIENCE_S))

    def end(self) -> tuple[int, str]:
        assert self.process.stderr is not None
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(PATIENCE_S)
        return code, self.process.stderr.read().decode()

    def nothing_is_left(self) -> bool:
        return self._lines.empty()


@pytest.fixture
def watching(mfcc_model: Path, new: Path) -> Iterator[Watching]:
    watching = Watching(mfcc_model, new, "--move-to", new / "sorted")
    yield watching
    with watching.process:
        watching.process.kill()


def test_recordings_are_told_as_they_come(watching: Watching, new: Path, sounds: Path) -> None:
    first = [watching.next() for _ in range(3)]
    there = {Path(record["path"]).name: record["label"] for record in first}
    assert there == {"rain.wav": "rain", "chirp.wav": "chirp", "drum.wav": "drum"}

    (new / "broken.wav").write_text("no sound")
    assert watching.next()["error"]["code"] == "unreadable"
    shutil.copy(sounds / "rain" / "rain-00.wav", new / "later.wav")
    later = watching.next()
    assert (later["label"], later["sorted_to"]) == ("rain", str(new / "sorted/rain/later.wav"))
    shutil.copy(sounds / "drum" / "drum-00.wav", new / "broken.wav")
    assert watching.next()["label"] == "drum"  # changed, and so tried again
    wait_until(lambda: not (new / "broken.wav").exists())  # the record comes before the move

    code, said = watching.end()
    assert code == 130
    assert "Traceback" not in said
    assert watching.nothing_is_left()
    assert [path.name for path in new.iterdir()] == ["sorted"]


def test_what_is_still_written_is_waited_for(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path, (tmp_path / "out",))
    path = tmp_path / "a.wav"
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.wav").write_bytes(b"1")

    path.write_bytes(b"1")
    assert watcher.look() == []
    path.write_bytes(b"12")
    assert watcher.look() == []
    assert watcher.look() == [path]
    assert watcher.look() == []
    os.utime(path, (1, 1))
    assert watcher.look() == []
    assert watcher.look() == [path]
    path.unlink()
    assert watcher.look() == []
    path.write_bytes(b"12")
    os.utime(path, (1, 1))
    assert [watcher.look(), watcher.look()] == [[], [path]]  # another of the same name


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["--json"], 2, "use --format jsonl"),
        (["--output", "a.csv"], 2, "redirect stdout to a file"),
        ([], 3, "which is not a folder"),
    ],
)
def test_what_cannot_be_is_refused(
    project: Path, run: Run, args: list[str], code: int, message: str
) -> None:
    finished = run("predict", "--watch", "gone", *args)

    assert finished.code == code
    assert message in finished.err
