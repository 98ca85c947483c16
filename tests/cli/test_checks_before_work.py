"""What options alone can get wrong is refused before anything is read, fetched or fitted.

There is nothing to work on in these projects: no index, store or model, or an index whose
recordings and features are not there. A command that looked for them would end with code 3.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from audiotl_cli.dataset.index import Clip, Index
from tests.conftest import Run

FITTING = ("train", "tune", "evaluate --cv fold")
"""Commands that fit classifiers."""


@pytest.fixture
def multi_label(project: Path) -> Path:
    """Write an index of clips with several labels; it is all that there is."""
    clips = [Clip(f"{i}.wav", "ant;bee" if i % 2 else "ant", sha256=f"{i:064x}") for i in range(9)]
    Index(clips, project / "audio").write(project / "data" / "index" / "ants.csv")
    return project


def refused(run: Run, command: str, *args: object) -> str:
    finished = run(*command.split(), *args)
    assert finished.code == 2, finished.err
    assert "Traceback" not in finished.err
    return " ".join(finished.err.split())


@pytest.mark.parametrize("command", FITTING)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--calibrate no", "--calibrate is 'no', expected one of"),
        ("--reject 1.5", "--reject is 1.5, expected a share between 0 and 1"),
        ("--classifier no", "unknown classifier 'no'; choose from"),
        ("--param no=1", "logreg does not take the parameters no; it has C,"),
        ("--param C", "--param is 'C', expected NAME=VALUE"),
        ("--pooling no", "unknown pooling 'no'; choose from"),
        ("--pca 0", "--pca is 0, expected a number of dimensions from 1"),
        ("--combine no", "'no' is not one of"),
        ("--root --no-scale", "it cannot be combined with --no-scale"),
    ],
)
def test_options_of_fitting(
    project: Path, run: Run, command: str, options: str, message: str
) -> None:
    assert message in refused(run, command, *options.split())


@pytest.mark.parametrize("command", FITTING)
@pytest.mark.parametrize("option", ["--calibrate sigmoid", "--reject 0.05"])
def test_reliability_of_several_labels(
    multi_label: Path, run: Run, command: str, option: str
) -> None:
    message = f"{option.split()[0]} needs clips of one label each; here they have several"
    assert message in refused(run, command, *option.split())


@pytest.mark.parametrize("command", FITTING)
def test_balance_of_several_labels(multi_label: Path, run: Run, command: str) -> None:
    message = "mlp cannot balance multi-label clips"
    assert message in refused(run, command, "--balance", "--classifier", "mlp")


def test_open_set_of_several_labels(multi_label: Path, run: Run) -> None:
    message = "--open-set leaves out one label at a time"
    assert message in refused(run, "evaluate --cv fold", "--open-set")


@pytest.mark.parametrize("protocol", ["no", "1", "0x3"])
def test_protocol_of_a_cross_validation(project: Path, run: Run, protocol: str) -> None:
    assert f"--cv is '{protocol}', expected fold" in refused(run, "evaluate --cv", protocol)


@pytest.mark.parametrize(
    ("command", "file"),
    [
        ("train --out", "models/ants.joblib"),
        ("tune --out", "models/ants.joblib"),
        ("evaluate no.joblib --report", "report"),
        ("evaluate --cv fold --report", "report"),
        ("label --output", "models/todo.csv"),
        ("similar a.wav --output", "models/near.csv"),
        ("summary no.csv --report", "report"),
        ("predict a.wav --output", "models/found.csv"),
        ("predict a.wav --format raven --output", "models/tables"),
        ("model export no.joblib --output", "models/ants.onnx"),
    ],
)
def test_where_nothing_can_be_written(project: Path, run: Run, command: str, file: str) -> None:
    taken = project / file.partition("/")[0]
    taken.write_text("a file where a folder should be")

    message = refused(run, command, project / file)

    assert str(taken) in message
    assert "choose another place" in message


@pytest.mark.parametrize(
    "command",
    [
        "predict a.wav --format no",
        "label --format no",
        "similar a.wav --format no",
        "model export no.joblib --format no",
    ],
)
def test_format(project: Path, run: Run, command: str) -> None:
    assert "no" in refused(run, command)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--extractor no", "no extractor 'no'; choose from"),
        ("--extractor mfcc --extractor no", "no extractor 'no'; choose from"),
        ("--extractor yamnet --layer no", "yamnet has no layer 'no'; choose from"),
        ("--extractor mfcc --hop-s 0", "--hop-s is 0.0, expected seconds above 0"),
        ("--extractor mfcc --engine ncnn", "mfcc does not run in ncnn"),
        ("--cluster tcp://host", "expected tcp://HOST:8786"),
        ("--cluster tcp://host:1 --workers 2", "--workers is for threads of this machine"),
    ],
)
def test_options_of_extraction(
    project: Path, offline: None, run: Run, options: str, message: str
) -> None:
    assert message in refused(run, "extract", *options.split())


def test_an_extractor_that_is_named_wrong_costs_nothing_of_another(
    multi_label: Path, offline: None, run: Run
) -> None:
    refused(run, "extract --extractor mfcc --extractor no")
    assert not (multi_label / "data" / "features").exists()


@pytest.fixture
def read_only(new: Path, mfcc_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of recordings that this user may not write into, as a mounted card."""
    access = os.access

    def may(path: Path, mode: int) -> bool:
        return not (mode & os.W_OK and Path(path).absolute() == new) and access(path, mode)

    monkeypatch.setattr("audiotl_cli.written.os.access", may)
    shutil.copy(mfcc_model, new.parent)
    return new


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ("--format audacity", "name a folder with --output"),
        ("--move-to sorted", "--copy-to leaves the recordings in it"),
        ("--format raven --watch", "name a folder with --output"),
        ("--copy-to new", "choose another place"),
    ],
)
def test_recordings_that_nothing_can_be_written_beside(
    read_only: Path, run: Run, options: str, advice: str
) -> None:
    message = refused(run, f"predict --model sounds.joblib {options}", "new")

    assert "nothing can be written into" in message
    assert message.endswith(advice)
    assert not Path("sorted").exists()


def test_recordings_that_are_only_read(read_only: Path, run: Run) -> None:
    predict = ("predict", "new", "--model", "sounds.joblib")

    assert run(*predict, "--format", "audacity", "--output", "labels").code == 0
    assert run(*predict, "--copy-to", "sorted").code == 0
    assert run(*predict, "--move-to", "sorted", "--dry-run").code == 0


def test_an_index_that_cannot_be_written(read_only: Path, run: Run) -> None:
    message = refused(run, "index new --out new/index.csv")

    assert "nothing can be written into new: this user may not write into it" in message
    assert "Measuring" not in message
