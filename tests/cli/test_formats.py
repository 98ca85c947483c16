"""A format is one file: nothing else has to know of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from audiotl_cli.inference import formats
from tests.conftest import Run

TOY = """
from audiotl_cli.inference.formats.base import Writer

class ToyWriter(Writer):
    name = "toy"
    suffix = ".toy"

    def begin(self):
        self.write("labels " + " ".join(self.options.labels) + "\\n")

    def add(self, prediction):
        self.write(f"{prediction.path} is {prediction.label}\\n")

    def add_event(self, path, event):
        self.write(f"{event.label} from {event.start_s}\\n")
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put one more file into the folder of formats."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "toy_format_of_a_test.py").write_text(TOY)
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path / "more")])


@pytest.mark.usefixtures("toy")
def test_a_format_of_one_file_is_used_by_name_and_by_suffix(
    mfcc_model: Path, new: Path, run: Run
) -> None:
    expected = "labels chirp drum rain\nnew/chirp.wav is chirp\n"

    printed = run("predict", "-m", mfcc_model, "new/chirp.wav", "--format", "toy")
    assert printed.out == expected
    assert run("predict", "-m", mfcc_model, "new/chirp.wav", "--output", "a.toy").code == 0
    assert Path("a.toy").read_text() == expected
    assert "rttm, toy" in run("predict", "new/chirp.wav", "--format", "odd").err


@pytest.mark.parametrize("command", ["predict", "listen"])
def test_the_help_names_the_formats(run: Run, command: str) -> None:
    shown = set(run(command, "--help").out.replace(",", " ").replace(".", " ").split())

    left_out = {"raven", "parquet"} if command == "listen" else set()
    assert {"table", *formats.find_writers()} - left_out <= shown


def test_parquet_needs_a_file_and_its_package(
    mfcc_model: Path, new: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = run("predict", "-m", mfcc_model, "new/chirp.wav", "--format", "parquet")
    assert (refused.code, refused.out) == (2, "")
    assert "needs a file to write: name it with --output" in refused.err

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    refused = run("predict", "-m", mfcc_model, "new/chirp.wav", "--output", "a.parquet")
    assert refused.code == 2
    assert "pip install 'audiotl[parquet]'" in refused.err
    assert not list(Path().glob("a.parquet*"))


@pytest.mark.parametrize("args", [["predict", "a.wav"], ["listen"]])
def test_an_unknown_format_is_refused_before_any_work(
    project: Path, run: Run, args: list[str]
) -> None:
    finished = run(*args, "--format", "odd", "--model", "gone.joblib")

    assert finished.code == 2
    assert "--format is 'odd', expected one of table, json, jsonl, csv" in finished.err
