"""Tables that a stranger made: a clear error, in little memory and time."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from audiotl_cli.dataset.index import Index
from audiotl_cli.dataset.rows import read_rows
from audiotl_cli.errors import DataError
from tests.conftest import Run

MB = 1_000_000
N = 60 * MB


def huge_cell(path: Path) -> None:
    path.write_bytes(b"path,label\n" + b"a" * N + b",x\n")


def huge_quoted_cell(path: Path) -> None:
    path.write_bytes(b'path,label\n"' + b"a\n" * (N // 2) + b'",x\n')


def huge_comment(path: Path) -> None:
    path.write_bytes(b"# audio_root: " + b"a" * N + b"\npath\na.wav\n")


def a_million_columns(path: Path) -> None:
    path.write_bytes(b"path" + b",a" * MB + b"\nx.wav\n")


def many_columns(path: Path) -> None:
    path.write_bytes(b"path" + b",a" * 20_000 + b"\nx.wav\n" * 100)


def huge_header(path: Path) -> None:
    path.write_bytes(b"a" * 900_000 + b",b\nx.wav,y\n")


def zeros(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 30)


def zeros_at_the_end(path: Path) -> None:
    path.write_bytes(b"path,label\na.wav,x\nb\0.wav,x\n")


def not_utf_8(path: Path) -> None:
    path.write_bytes(bytes(range(128, 256)) * 1000)


HOSTILE: tuple[Callable[[Path], None], ...] = (
    huge_cell,
    huge_quoted_cell,
    huge_comment,
    a_million_columns,
    many_columns,
    huge_header,
    zeros,
    zeros_at_the_end,
    not_utf_8,
)


@pytest.mark.parametrize("make", HOSTILE, ids=lambda make: make.__name__)
def test_a_table_is_refused_in_little_memory(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "x.csv"
    make(path)
    for read in (Index.read, read_rows):
        if read is read_rows and make in (huge_header, not_utf_8):
            continue  # there, what a column is called is for others to judge
        tracemalloc.start()
        started = time.perf_counter()
        with pytest.raises(DataError, match=r"x\.csv") as caught:
            read(path)
        took, (_, peak) = time.perf_counter() - started, tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(str(caught.value)) < 1000
        assert took < 10
        assert peak < 20 * MB


@pytest.mark.parametrize("make", HOSTILE, ids=lambda make: make.__name__)
def test_commands_say_so(project: Path, run: Run, make: Callable[[Path], None]) -> None:
    (project / "sounds").mkdir()
    make(project / "x.csv")
    for command in (
        "extract --extractor mfcc --index x.csv",
        "index sounds --metadata x.csv",
        "label --index x.csv --from x.csv",
    ):
        ended = run(*command.split())
        assert ended.code == 3
        assert "x.csv" in ended.err
        assert len(ended.err) < 2000


def test_short_rows_of_a_wide_table_take_little(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"path" + b",a" * 9_000 + b"\n" + b"x\n" * 20_000)
    tracemalloc.start()
    table = read_rows(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(table.rows) == 20_000
    assert table.rows[0].cells["a"] == ""
    assert peak < 60 * MB


@pytest.mark.parametrize(
    "line",
    [
        '{"file_name": "a\\u0000b.wav"}',
        '{"file_name": "\\ud800.wav"}',
        '{"file_name": "a.wav", "label": "\\ud800"}',
        '{"file_name": ' + "[" * 100_000,
        '{"file_name": ' + "9" * 10_000 + "}",
    ],
    ids=["nul", "half a character", "half a label", "deep", "a long number"],
)
def test_json_lines_that_no_index_can_hold(project: Path, run: Run, line: str) -> None:
    (project / "sounds").mkdir()
    (project / "x.jsonl").write_text(line + "\n")
    ended = run("index", "sounds", "--metadata", "x.jsonl")
    assert (ended.code, "x.jsonl, line 1" in " ".join(ended.err.split())) == (3, True), ended.err


def test_names_that_are_too_long_cost_themselves_alone(
    project: Path, sounds: Path, run: Run
) -> None:
    good = next(sounds.rglob("*.wav")).relative_to(sounds).as_posix()
    long = "n" * 5000 + ".wav"
    (project / "x.csv").write_text(f"path,label\n{good},a\n{long},b\n")
    ended = run("index", sounds, "--metadata", "x.csv", "--json")
    assert ended.code == 0, ended.err
    ended = run("extract", "--extractor", "mfcc", "--json")
    assert (ended.code, ended.json["n_added"], ended.json["n_failed"]) == (1, 1, 1)
