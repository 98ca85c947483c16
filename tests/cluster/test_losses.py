"""What may happen to a cluster while it embeds: each loss, and what becomes of the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dask
import pytest

from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import AudiotlError, ClusterError
from audiotl_cli.extraction import ExtractOptions
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.project import Project
from audiotl_cli.workflows.extract import ExtractReport, extract_features
from tests.cluster.conftest import CLIP_S, files_in, made_index
from tests.cluster.networks import DeadlyExtractor, SlowExtractor
from tests.cluster.processes import Machines, kill, working
from tests.conftest import REPOSITORY
from tests.extractors.fake import FakeExtractor
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

N_CLIPS = 1300


class Run(threading.Thread):
    """An extraction on a cluster beside the test."""

    def __init__(self, index: Index, extractor: Extractor, root: Path, address: str) -> None:
        super().__init__(daemon=True)
        self.index, self.extractor, self.root, self.address = index, extractor, root, address
        self.n_done = 0
        self.outcome: ExtractReport | AudiotlError | None = None

    def run(self) -> None:
        try:
            self.outcome = extract_features(
                Project(),
                self.index,
                self.extractor,
                ExtractOptions(self.root, cluster=self.address),
                on_clip=self._note,
            )
        except AudiotlError as error:
            self.outcome = error

    def _note(self, done: int, total: int, audio_s: float) -> None:
        self.n_done = done

    def report(self, patience_s: float = 180.0) -> ExtractReport:
        """Return what came of it; it must have ended well."""
        self.join(patience_s)
        assert isinstance(self.outcome, ExtractReport), self.outcome
        return self.outcome

    def error(self, patience_s: float = 60.0) -> AudiotlError:
        """Return what it ended with."""
        self.join(patience_s)
        assert isinstance(self.outcome, AudiotlError), self.outcome
        return self.outcome


@contextmanager
def under_way(index: Index, root: Path, address: str) -> Iterator[Run]:
    """Start a slow extraction, and wait until some of it is done."""
    run = Run(index, SlowExtractor(), root, address)
    run.start()
    wait_until(lambda: run.n_done > 100 or not run.is_alive())
    assert run.is_alive(), run.outcome
    yield run


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return made_index(tmp_path / "audio", N_CLIPS)


@pytest.fixture
def whole(tmp_path: Path, index: Index) -> dict[str, bytes]:
    extract_features(Project(), index, FakeExtractor(), ExtractOptions(tmp_path / "whole"))
    return files_in(tmp_path / "whole")


def test_a_worker_that_is_killed_is_replaced(
    tmp_path: Path, cluster: Machines, index: Index, whole: dict[str, bytes]
) -> None:
    cluster.scheduler()
    workers = [cluster.worker("--no-nanny") for _ in range(2)]
    with under_way(index, tmp_path / "store", cluster.address) as run:
        kill(workers[0])
    assert run.report().n_added == N_CLIPS
    assert files_in(tmp_path / "store") == whole


def test_all_workers_that_are_killed_come_back_by_their_nannies(
    tmp_path: Path, cluster: Machines, index: Index, whole: dict[str, bytes]
) -> None:
    cluster.scheduler()
    nannies = [cluster.worker() for _ in range(2)]
    with under_way(index, tmp_path / "store", cluster.address) as run:
        for process in [worker for nanny in nannies for worker in working(nanny)]:
            os.kill(process, signal.SIGKILL)
    assert run.report().n_added == N_CLIPS
    assert files_in(tmp_path / "store") == whole


def test_without_any_worker_left_it_ends_and_goes_on_later(
    tmp_path: Path, cluster: Machines, index: Index, whole: dict[str, bytes]
) -> None:
    cluster.scheduler()
    workers = [cluster.worker("--no-nanny") for _ in range(2)]
    with (
        dask.config.set({"audiotl.workers-timeout": "3s"}),
        under_way(index, tmp_path / "store", cluster.address) as run,
    ):
        for worker in workers:
            kill(worker)
        killed = time.monotonic()
        error = run.error()
        assert time.monotonic() - killed < 10
    assert isinstance(error, ClusterError)
    assert "has had no worker for 3 s" in str(error)
    cluster.worker("--no-nanny")
    again = extract_features(
        Project(),
        index,
        FakeExtractor(),
        ExtractOptions(tmp_path / "store", cluster=cluster.address),
    )
    assert again.n_added + again.n_skipped == N_CLIPS
    assert files_in(tmp_path / "store") == whole


@pytest.mark.parametrize("resumed_on", ["cluster", "one process"])
def test_when_the_scheduler_is_killed_the_next_run_does_what_is_missing(
    tmp_path: Path, cluster: Machines, index: Index, whole: dict[str, bytes], resumed_on: str
) -> None:
    scheduler = cluster.scheduler()
    workers = [cluster.worker("--no-nanny") for _ in range(2)]
    with under_way(index, tmp_path / "store", cluster.address) as run:
        wait_until(lambda: list((tmp_path / "store").glob("*/shard-*")) or not run.is_alive())
        kill(scheduler)
        error = run.error()
    assert isinstance(error, ClusterError)
    assert "is gone" in str(error)
    assert "continues when the scheduler is back" in str(error)
    for worker in workers:
        kill(worker)
    address = None
    if resumed_on == "cluster":
        cluster.scheduler()
        cluster.worker("--no-nanny")
        address = cluster.address
    again = extract_features(
        Project(), index, FakeExtractor(), ExtractOptions(tmp_path / "store", cluster=address)
    )
    assert again.n_skipped > 0
    assert again.n_added + again.n_skipped == N_CLIPS
    assert files_in(tmp_path / "store") == whole


@pytest.mark.parametrize("at", [0, 300, N_CLIPS])
def test_a_clip_that_kills_its_worker_is_found_and_the_rest_is_done(
    tmp_path: Path, cluster: Machines, at: int
) -> None:
    index = made_index(tmp_path / "audio", N_CLIPS, poison_at=at)
    cluster.scheduler()
    for _ in range(2):
        cluster.worker()
    with dask.config.set({"audiotl.workers-timeout": "30s"}):
        report = extract_features(
            Project(),
            index,
            DeadlyExtractor(),
            ExtractOptions(tmp_path / "store", cluster=cluster.address),
        )
    (failure,) = report.failures
    assert (Path(failure.path).name, failure.stage, failure.code) == (
        "poison.wav", "embed", "crashed",
    )  # fmt: skip
    assert report.n_added == N_CLIPS
    harmless = Index([clip for clip in index.clips if clip.path != "poison.wav"], index.audio_root)
    extract_features(Project(), harmless, FakeExtractor(), ExtractOptions(tmp_path / "whole"))
    assert files_in(tmp_path / "store") == files_in(tmp_path / "whole")


@pytest.mark.parametrize("stopped_s", [4, 60])
def test_a_worker_that_is_cut_off_for_a_while_does_no_harm(
    tmp_path: Path, cluster: Machines, index: Index, whole: dict[str, bytes], stopped_s: int
) -> None:
    cluster.scheduler()
    workers = [cluster.worker("--no-nanny") for _ in range(2)]
    with under_way(index, tmp_path / "store", cluster.address) as run:
        os.killpg(workers[0].pid, signal.SIGSTOP)
        time.sleep(stopped_s)
        os.killpg(workers[0].pid, signal.SIGCONT)
    assert run.report().n_added == N_CLIPS
    time.sleep(3)  # what it may still have under way must not show up
    assert files_in(tmp_path / "store") == whole


COMMAND = """
from tests.cluster.networks import SlowExtractor
import audiotl_cli.extractors.registry as registry
registry.load_extractor = lambda *args, **options: SlowExtractor()
from audiotl_cli.cli.main import main
main(["extract", "--index", "{index}", "--store", "{store}", "--cluster", "{address}"])
"""


@pytest.mark.parametrize("where", ["tcp", "local"])
def test_ctrl_c_ends_with_130_and_can_be_resumed(
    tmp_path: Path, cluster: Machines, index: Index, whole: dict[str, bytes], where: str
) -> None:
    written = index.write(tmp_path / "index.csv")
    address = "local[2]"
    if where == "tcp":
        cluster.scheduler()
        cluster.worker("--no-nanny")
        address = cluster.address
    script = COMMAND.format(index=written.path, store=tmp_path / "store", address=address)
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        start_new_session=True,
    )
    try:
        begun = (tmp_path / "store").rglob
        wait_until(lambda: list(begun("shard-*.npz")) or process.poll() is not None)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: workers started here, too
        _, err = process.communicate(timeout=60)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130, err
    assert "the same command continues where it stopped" in err
    assert "Traceback" not in err
    again = extract_features(Project(), index, FakeExtractor(), ExtractOptions(tmp_path / "store"))
    assert again.n_added + again.n_skipped == N_CLIPS
    assert again.audio_s < 0.9 * N_CLIPS * CLIP_S  # not all of them were embedded again
    assert files_in(tmp_path / "store") == whole
