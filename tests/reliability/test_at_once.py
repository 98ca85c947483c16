"""Several processes, and other programs, that change the same files at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from audiotl_cli import Index
from audiotl_cli.classifiers import trials
from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.training import fit_quietly
from audiotl_cli.dataset.options import IndexOptions
from audiotl_cli.project import Project
from audiotl_cli.store.memo import HashMemo
from audiotl_cli.workflows.index import build_index
from tests.cli.test_store import write_seed_file
from tests.conftest import LABELS, Run

INDEX = Path("data/index/sounds.csv")
NOTES = Path("data/models/tuned.joblib.tuning.json")
TUNE = ("tune", "--search", 12, "--out", "data/models/tuned.joblib", "--workers", 1)

AUDIOTL = """
import sys
from audiotl_cli.cli.main import main
import audiotl_cli.workflows.answers, audiotl_cli.workflows.index, audiotl_cli.workflows.store
print("ready", flush=True)
sys.stdin.read()
main(sys.argv[1:])
"""

REMEMBER = """
import sys
from pathlib import Path
from audiotl_cli.project import Project
from audiotl_cli.store.memo import HashMemo
memo = HashMemo(Path("data/features/.hashes"))
print("ready", flush=True)
sys.stdin.read()
for path in sorted(Path("files").glob(sys.argv[1] + "-*")):
    memo.sha256(path)
    memo.save()
"""

HOLD = """
import sys
from pathlib import Path
from audiotl_cli.locks import locked
with locked(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.read()
"""


def start(code: str, *args: object) -> subprocess.Popen[str]:
    """Start a process that says when it is ready, and then waits for the end of its input."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(process: subprocess.Popen[str]) -> None:
    """Wait until a process is ready."""
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", process.stdout.read()


def let_go(processes: list[subprocess.Popen[str]]) -> list[str]:
    """Let processes go on, all at once, and return what each of them said."""
    for process in processes:
        wait_for(process)
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    said = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), said
    return said


@contextmanager
def held(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Let another process hold the lock of a file; it is killed in the end."""
    process = start(HOLD, path)
    try:
        wait_for(process)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def indexed(project: Path, sounds: Path, run: Run) -> Path:
    assert run("index", sounds).code == 0
    return project


@pytest.mark.parametrize("n", [8, 16])
def test_every_label_given_at_once_is_kept(indexed: Path, n: int) -> None:
    names = [clip.path for clip in Index.read(INDEX).clips][:n]

    said = let_go(
        [start(AUDIOTL, "label", "--set", f"{name}=label {i}") for i, name in enumerate(names)]
    )

    assert all("1 labels changed" in text for text in said)
    labels = {clip.path: clip.label for clip in Index.read(INDEX).clips}
    assert [labels[name] for name in names] == [f"label {i}" for i in range(n)]


def test_two_runs_of_index_leave_one_of_their_indexes_and_its_hash(
    project: Path, sounds: Path, run: Run
) -> None:
    seeds = range(4)

    let_go([start(AUDIOTL, "index", sounds, "--no-audit", "--seed", seed) for seed in seeds])

    found = Index.read(INDEX).sha256()
    for seed in seeds:
        run("index", sounds, "--no-audit", "--seed", seed, "--out", f"{seed}.csv")
    assert found in [Index.read(f"{seed}.csv").sha256() for seed in seeds]
    assert run("index", sounds, "--no-audit").code == 0  # nobody is said to have edited it


def test_the_clips_of_two_imports_at_once_are_all_kept(project: Path) -> None:
    for name in "abcd":
        write_seed_file(project / f"{name}.npz", {f"{name}/{i}.wav": i % 2 for i in range(6)})

    let_go(
        [
            start(AUDIOTL, "store", "import", f"{name}.npz", "--name", "seed", "--split", "train")
            for name in "abcd"
        ]
    )

    paths = {clip.path for clip in Index.read("data/index/seed.csv").clips}
    assert paths == {f"{name}/{i}.wav" for name in "abcd" for i in range(6)}


def test_hashes_remembered_at_once_are_all_kept(project: Path) -> None:
    Path("files").mkdir()
    then = time.time() - 100
    for name in [f"{writer}-{i}" for writer in range(8) for i in range(20)]:
        Path("files", name).write_text(name)
        os.utime(Path("files", name), (then, then))

    let_go([start(REMEMBER, writer) for writer in range(8)])

    assert len(Path("data/features/.hashes").read_bytes().splitlines()) == 160
    for path in Path("files").iterdir():
        sha256 = HashMemo(Path("data/features/.hashes")).sha256(path)
        path.write_text(path.name[::-1])
        os.utime(path, (then, then))  # the memo cannot know, and so gives what it remembers
        assert HashMemo(Path("data/features/.hashes")).sha256(path) == sha256


def test_a_memo_that_was_cut_off_takes_the_next_line(project: Path) -> None:
    then = time.time() - 100
    for name in ("a.wav", "b.wav"):
        Path(name).write_text("12345")
        os.utime(name, (then, then))
    memo = HashMemo(Path(".hashes"))
    memo.sha256("a.wav")
    memo.save()
    whole = Path(".hashes").read_bytes()
    Path(".hashes").write_bytes(whole + whole[: len(whole) // 2])  # killed while it appended

    memo.sha256("b.wav")
    memo.save()

    assert Path(".hashes").read_bytes().splitlines()[0] == whole.rstrip(b"\n")
    expected = [memo.sha256(name) for name in ("a.wav", "b.wav")]
    for name in ("a.wav", "b.wav"):
        Path(name).write_text("54321")
        os.utime(name, (then, then))
    known = HashMemo(Path(".hashes"))
    assert [known.sha256(name) for name in ("a.wav", "b.wav")] == expected


def test_fits_of_two_runs_of_tune_are_all_kept(
    indexed: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("extract", "--extractor", "mfcc")

    def tune_until(n_fits: int, before_the_end: bytes | None = None) -> None:
        left = n_fits

        def fit(*args: object) -> ClipClassifier:
            nonlocal left
            left -= 1
            if left < 0:
                if before_the_end:
                    NOTES.write_bytes(before_the_end)
                raise KeyboardInterrupt
            return fit_quietly(*args)  # type: ignore[arg-type]

        with monkeypatch.context() as patch:
            patch.setattr(trials, "fit_quietly", fit)
            assert run(*TUNE).code == 130

    tune_until(9)
    of_the_other = NOTES.read_bytes()
    NOTES.unlink()

    tune_until(2, of_the_other)

    kept = json.loads(NOTES.read_bytes())["right"]
    assert kept.items() >= json.loads(of_the_other)["right"].items()
    assert len(kept) == 9


@pytest.mark.parametrize(
    "args", [("label", "--set", "rain/rain-03.wav=x"), ("index", "SOUNDS"), TUNE]
)
def test_a_file_that_another_process_is_changing(
    indexed: Path, sounds: Path, run: Run, monkeypatch: pytest.MonkeyPatch, args: tuple[object, ...]
) -> None:
    run("extract", "--extractor", "mfcc")
    monkeypatch.setattr("audiotl_cli.locks.LOCK_WAIT_S", 0.1)
    path = NOTES if args == TUNE else INDEX
    path.parent.mkdir(exist_ok=True)
    before = INDEX.read_bytes()
    command = [sounds if arg == "SOUNDS" else arg for arg in args]

    with held(path) as holder:
        finished = run(*command)
        assert finished.code == 3
        assert f"{path}: is being changed by another audiotl process; waited 0.1 s" in finished.err
        assert INDEX.read_bytes() == before
        assert run("label", "--n", 2).code == 0  # reading waits for nobody
        holder.kill()
        holder.wait()

        assert run(*command).code == 0


def test_an_index_edited_while_recordings_are_read_is_not_written_over(
    indexed: Path, sounds: Path
) -> None:
    edited = INDEX.read_bytes().replace(b",rain,", b",hail,")

    def edit(done: int, total: int, audio_s: float) -> None:
        INDEX.write_bytes(edited)

    for overwrite in (False, True):
        INDEX.write_bytes(INDEX.read_bytes().replace(b",hail,", b",rain,"))
        with pytest.raises(Exception, match="was changed while audiotl index was reading"):
            build_index(Project(), sounds, INDEX, IndexOptions(), overwrite=overwrite, on_clip=edit)
        assert INDEX.read_bytes() == edited


def test_a_spreadsheet_that_saves_at_the_last_moment_loses_nothing(
    indexed: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for_disk = os.fsync
    saved = False

    def save(descriptor: int) -> None:
        nonlocal saved
        if not saved:
            saved = True
            INDEX.write_bytes(INDEX.read_bytes().replace(b",drum,", b",tabla,"))
        wait_for_disk(descriptor)

    monkeypatch.setattr(os, "fsync", save)

    assert run("label", "--set", "rain/rain-03.wav=hail").code == 0

    counts = Index.read(INDEX).counts("label")
    assert counts == {LABELS[0]: 8, "hail": 1, "rain": 7, "tabla": 8}


def test_an_index_in_a_folder_that_cannot_be_written_is_read(
    indexed: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("extract", "--extractor", "mfcc")
    rows = INDEX.read_text().replace(",rain,", ",,")
    INDEX.write_text(rows)
    INDEX.with_name(".sounds.csv.lock").unlink()
    create = os.open

    def refuse(path: str, flags: int, *args: int, **more: int) -> int:
        if flags & os.O_CREAT and ".lock" in str(path):
            raise PermissionError(13, "Permission denied", path)
        return create(path, flags, *args, **more)

    monkeypatch.setattr(os, "open", refuse)

    assert run("label", "--n", 2).code == 0
    refused = run("label", "--set", "rain/rain-03.wav=hail")

    assert refused.code == 3
    assert f"{INDEX}: Permission denied" in refused.err
    assert INDEX.read_text() == rows
