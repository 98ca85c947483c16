"""Extraction on a cluster ends in the files of a single process; see also `test_losses`."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import dask
import pytest

from audiotl_cli.errors import ClusterError, DataError, UsageError
from audiotl_cli.extraction import ExtractOptions
from audiotl_cli.project import Project
from audiotl_cli.workflows.extract import extract_features
from tests.cluster.conftest import files_in, made_index
from tests.cluster.networks import SlowExtractor
from tests.cluster.processes import Machines
from tests.conftest import Run
from tests.extractors.fake import FakeExtractor

N_CLIPS = 700


@pytest.mark.parametrize("n_workers", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_workers_leave_the_store_of_a_single_process(tmp_path: Path, n_workers: int) -> None:
    index = made_index(tmp_path / "audio", N_CLIPS, bad=90)
    told: list[tuple[int, int, float]] = []

    alone = extract_features(Project(), index, FakeExtractor(), ExtractOptions(tmp_path / "alone"))
    spread = extract_features(
        Project(),
        index,
        FakeExtractor(),
        ExtractOptions(tmp_path / "spread", cluster=f"local[{n_workers}]"),
        on_clip=lambda *now: told.append(now),
    )

    assert files_in(tmp_path / "spread") == files_in(tmp_path / "alone")
    assert len(files_in(tmp_path / "spread")) == 4  # three shards, and what they were made from
    assert spread.failures == alone.failures
    assert len(spread.failures) == 7
    assert (spread.n_added, spread.n_skipped) == (N_CLIPS, 0)
    assert spread.audio_s == pytest.approx(alone.audio_s)
    assert told[-1] == (N_CLIPS + 7, N_CLIPS + 7, spread.audio_s)
    good = replace(index, clips=[clip for clip in index.clips if clip.start_s is not None])
    again = extract_features(
        Project(),
        good,
        FakeExtractor(),
        ExtractOptions(tmp_path / "spread", cluster="tcp://nobody:1"),
    )
    assert (again.n_added, again.n_skipped) == (0, N_CLIPS)


def test_where_nobody_answers_is_said(project: Path, sounds: Path, run: Run) -> None:
    run("index", sounds)
    command = ("extract", "--extractor", "mfcc", "--cluster", "tcp://127.0.0.1:1", "--json")
    with dask.config.set({"audiotl.connect-timeout": "1s"}):
        finished = run(*command)
    assert finished.code == 4
    assert "no scheduler answers at tcp://127.0.0.1:1" in finished.err
    assert "dask scheduler" in finished.err
    assert "Traceback" not in finished.err
    assert finished.json["error"]["exit_code"] == 4


def test_a_port_of_something_else_is_given_up(tmp_path: Path) -> None:
    index = made_index(tmp_path / "audio", 3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with (
            dask.config.set({"audiotl.connect-timeout": "1s"}),
            pytest.raises(ClusterError, match="does not answer"),
        ):
            extract_features(
                Project(),
                index,
                FakeExtractor(),
                ExtractOptions(tmp_path / "store", cluster=address),
            )


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("local[0]", "expected tcp://HOST:8786"),
        ("http://host:80", "expected tcp://HOST:8786"),
        ("tcp://host", "expected tcp://HOST:8786"),
        ("nowhere.json", "there is no file 'nowhere.json'"),
    ],
)
def test_what_is_no_address_is_wrong_usage(
    project: Path, sounds: Path, run: Run, address: str, words: str
) -> None:
    run("index", sounds)
    for command in (
        ("extract", "--extractor", "mfcc"),
        ("train", "--search", 2),
        ("tune", "--search", 2),
        ("evaluate", "--cv", "2", "--search", 2),
    ):
        finished = run(*command, "--cluster", address)
        assert finished.code == 2
        assert words in finished.err


def test_options_that_do_not_go_with_a_cluster(project: Path, sounds: Path, run: Run) -> None:
    run("index", sounds)
    for command in (
        ("extract", "--workers", 2),
        ("tune", "--workers", 2),
        ("train",),
        ("evaluate",),
        ("evaluate", "--cv", "2"),
    ):
        finished = run(*command, "--cluster", "local[1]")
        assert finished.code == 2, command
        assert "--cluster" in finished.err


def test_without_workers_it_says_how_to_start_one(tmp_path: Path, cluster: Machines) -> None:
    index = made_index(tmp_path / "audio", 3)
    cluster.scheduler()
    with (
        dask.config.set({"audiotl.workers-timeout": "1s"}),
        pytest.raises(ClusterError, match=r"no worker for 1 s.* dask worker --scheduler-file"),
    ):
        extract_features(
            Project(),
            index,
            FakeExtractor(),
            ExtractOptions(tmp_path / "store", cluster=str(cluster.file)),
        )


@pytest.mark.slow
def test_too_many_failures_end_the_run_and_stop_the_workers(tmp_path: Path) -> None:
    index = made_index(tmp_path / "audio", N_CLIPS, bad=10)
    with pytest.raises(DataError, match="more than allowed"):
        extract_features(
            Project(),
            index,
            SlowExtractor(),
            ExtractOptions(tmp_path / "store", cluster="local[2]", max_error_rate=0.01),
        )
    report = extract_features(Project(), index, SlowExtractor(), ExtractOptions(tmp_path / "store"))
    assert report.n_skipped + report.n_added == N_CLIPS
    extract_features(Project(), index, SlowExtractor(), ExtractOptions(tmp_path / "alone"))
    assert files_in(tmp_path / "store") == files_in(tmp_path / "alone")


def test_limits_are_times(monkeypatch: pytest.MonkeyPatch) -> None:
    from audiotl_cli.cluster.connection import limit_s

    assert limit_s("fit-timeout") == 3600
    with dask.config.set({"audiotl.fit-timeout": "2m"}):
        assert limit_s("fit-timeout") == 120
    with (
        dask.config.set({"audiotl.fit-timeout": "soon"}),
        pytest.raises(UsageError, match=r"'soon'.* such as 10s"),
    ):
        limit_s("fit-timeout")
