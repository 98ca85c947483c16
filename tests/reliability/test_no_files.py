"""Pipes, sockets, devices and folders where files are expected: an error each, and soon."""

from __future__ import annotations

import ast
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import audiotl_cli
from audiotl_cli.classifiers.model_file import read_packed
from audiotl_cli.cli.settings import read_settings
from audiotl_cli.dataset.annotation_file import kind_of_annotation
from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import AudiotlError
from audiotl_cli.extractors.model_settings import read_settings as read_model_settings
from audiotl_cli.files import open_regular, read_regular, write_whole
from audiotl_cli.journal_lines import append_lines, read_lines
from audiotl_cli.store.memo import HashMemo
from tests.conftest import Run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes lie in folders on POSIX only")

PACKAGE = Path(audiotl_cli.__file__).parent


def fifo(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    before = Path.cwd()
    os.chdir(path.parent)  # their names must be short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(before)


def zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


def stdin(path: Path) -> None:
    path.symlink_to("/dev/stdin")


def folder(path: Path) -> None:
    path.mkdir()


def loop(path: Path) -> None:
    path.symlink_to(path.name)


Make = Callable[[Path], None]
KINDS: tuple[Make, ...] = (fifo, a_socket, zero, stdin, folder, loop)


@pytest.fixture(params=KINDS, ids=lambda make: make.__name__)
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Return what makes something that is no file; a test that waits for it is ended."""
    import faulthandler

    faulthandler.dump_traceback_later(120, exit=True)
    yield request.param
    faulthandler.cancel_dump_traceback_later()


def test_nothing_but_a_file_is_opened(tmp_path: Path, make: Make) -> None:
    path = tmp_path / "x"
    make(path)
    for read in (open_regular, read_regular):
        with pytest.raises(OSError, match=r"expected a regular file|links"):
            read(path)


def test_names_that_no_file_can_have() -> None:
    for name in ("a\0b", "\ud800", "n" * 5000):
        with pytest.raises(OSError, match=r"not a valid file name|too long"):
            open_regular(Path(name))


def test_a_file_is_not_read_beyond_what_it_may_hold(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"12345")
    assert read_regular(path, 5) == b"12345"
    with pytest.raises(OSError, match="has 5 bytes, expected at most 4"):
        read_regular(path, 4)


def test_nothing_but_a_file_is_replaced(tmp_path: Path, make: Make) -> None:
    path = tmp_path / "x.csv"
    make(path)
    before = path.lstat()
    if make is loop:  # which leads nowhere
        return
    with pytest.raises(OSError, match="expected a regular file"):
        write_whole(path, b"content")
    assert path.lstat().st_ino == before.st_ino
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_readers_of_single_files(tmp_path: Path, make: Make) -> None:
    path = tmp_path / "x.csv"
    make(path)
    for read in (Index.read, read_packed):
        with pytest.raises(AudiotlError, match=r"x\.csv"):
            read(path)
    with pytest.raises(AudiotlError, match=r"x\.csv (cannot be read|is not a file)"):
        read_settings(path, {})
    assert not kind_of_annotation(path)
    if make is not loop:  # which leads to no file
        with pytest.raises(AudiotlError, match=r"x\.csv cannot be read"):
            read_model_settings(path)


def test_a_memo_does_without(tmp_path: Path, make: Make) -> None:
    make(tmp_path / "memo")
    (tmp_path / "sound").write_bytes(b"abc")
    os.utime(tmp_path / "sound", (0, 0))
    memo = HashMemo(tmp_path / "memo")
    assert len(memo.sha256(tmp_path / "sound")) == 64
    memo.save()


def test_a_hostile_memo_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "memo"
    append_lines(
        path, [b"", b"1\t2", b"x\ty\tz\tname", b"9" * 9999 + b"\t1\t" + b"0" * 64 + b"\tn"]
    )
    append_lines(path, [b"x" * 10_000_000])
    assert max(map(len, read_lines(path))) < 100_000
    HashMemo(path)


def test_a_recording_costs_itself_alone(mfcc_model: Path, new: Path, run: Run, make: Make) -> None:
    make(new / "odd.wav")
    ended = run("predict", new / "odd.wav", new / "rain.wav", "--model", mfcc_model, "--json")
    if make is folder:  # one without recordings
        assert (ended.code, len(ended.json)) == (1, 2)
    else:
        assert ended.code == 1
        assert [prediction["label"] for prediction in ended.json] == [None, "rain"]
    (new.parent / "index.csv").write_text("path\nnew/odd.wav\nnew/rain.wav\nnew/drum.wav\n")
    ended = run("extract", "--extractor", "mfcc", "--index", "index.csv", "--json")
    assert (ended.code, ended.json["n_added"], ended.json["n_failed"]) == (1, 2, 1)
    ended = run("index", new, "--metadata", "index.csv", "--json")
    assert ended.code in (0, 3)  # labels are wanting, but nothing waits


ARGUMENTS = (
    "index odd",
    "index new --metadata odd",
    "index new --labels-from annotations --metadata odd",
    "extract --extractor mfcc --index odd",
    "extract --extractor onnx:odd",
    "extract --extractor tflite:odd",
    "train --index odd",
    "train --store odd",
    "predict new --model odd",
    "label --from odd",
    "model inspect odd",
    "models fetch yamnet --from odd",
    "evaluate odd",
    "store import odd --name x",
    "summary odd",
)


@pytest.mark.parametrize("command", ARGUMENTS)
def test_arguments(
    new: Path, run: Run, make: Make, command: str, monkeypatch: pytest.MonkeyPatch, offline: None
) -> None:
    project = new.parent
    assert run("index", new, "--no-audit", "--name", "new").code == 0
    make(project / "odd")
    ended = run(*command.split())
    assert ended.code in (2, 3, 4)
    assert "Traceback" not in ended.err
    assert "This is a bug in audiotl" not in ended.err
    assert ended.err.strip()


def test_settings(project: Path, run: Run, make: Make) -> None:
    make(project / "audiotl.toml")
    ended = run("extract")
    assert ended.code == 2
    assert "audiotl.toml cannot be read" in ended.err


def test_files_of_a_store(new: Path, run: Run, make: Make) -> None:
    assert run("index", new, "--no-audit", "--name", "new").code == 0
    assert run("extract", "--extractor", "mfcc").code == 0
    (store,) = Path("data/features").glob("mfcc-*")
    (shard,) = store.glob("shard-*.npz")
    shard.unlink()
    make(shard)
    for command in (("store", "verify"), ("store", "info"), ("train",)):
        ended = run(*command)
        assert "This is a bug in audiotl" not in ended.err, ended.err
    assert run("extract", "--extractor", "mfcc").code in (0, 3)
    shutil.rmtree(store)
    store.mkdir()
    make(store / "store.json")
    for command in (("store", "info"), ("train",), ("store", "verify")):
        ended = run(*command)
        assert ended.code in (0, 1, 3)
        assert "This is a bug in audiotl" not in ended.err, ended.err


OPENERS = {
    "files.py": "the helper itself",
    "cli/predict_stream.py": "stdin",
    "extractors/musicnn.py": "a file of the package itself",
    "processors.py": "files of the kernel",
    "store/shard.py": "objects on object storage, beside the helper",
}


def test_files_are_opened_by_the_helper_alone() -> None:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and name not in OPENERS and opens_a_file(node):
                found.append(f"{name}:{node.lineno}: {ast.unparse(node)}")
    assert found == []


def opens_a_file(call: ast.Call) -> bool:
    """Return whether a call reads a file by its name, without asking whether it is one."""
    called = ast.unparse(call.func)
    words = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    if called == "open" or called.endswith(".open"):
        modes = [word for word in words if isinstance(word, str)]
        return bool(modes) and modes[0] in ("r", "rb", "rt", "r+b", "r+")
    if called.endswith(".read_text"):
        return "joinpath" not in called and "sys/fs" not in called
    return called == "np.load" and isinstance(call.args[0], ast.Name) and call.args[0].id == "path"
