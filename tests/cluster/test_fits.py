"""Searches on a cluster give the bytes they give without one."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import dask
import numpy as np
import pytest

from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.search import search
from audiotl_cli.classifiers.space import Setting
from audiotl_cli.classifiers.trials import Trials, threads
from audiotl_cli.cluster import fits
from audiotl_cli.cluster.fits import on_cluster
from audiotl_cli.errors import ClusterError
from tests.classifiers.problems import made_clips
from tests.classifiers.test_search import halves
from tests.cluster.processes import Machines, kill
from tests.conftest import Run
from tests.waiting import wait_until


class DeadlyTrials(Trials):
    """Kill whoever fits them."""

    def try_one(self, setting: Setting, number: int) -> tuple[bool, ...]:
        os.kill(os.getpid(), signal.SIGKILL)
        return ()

    def __reduce__(self) -> tuple[type[Trials], tuple[object, ...]]:  # type: ignore[override]
        return DeadlyTrials, (self.clips, self.labels, self.folds)


def candidates() -> list[Setting]:
    return [
        Setting(ClassifierOptions(name, pooling, scale=True))
        for name in ("linear-svm", "logreg", "random-forest")
        for pooling in ("mean", "mean+std")
    ]


def noisy() -> tuple[list[list[np.ndarray]], list[str]]:
    clips, truth = made_clips(20, dim=30)
    rng = np.random.default_rng(0)
    return [
        [part + rng.normal(0, 3, part.shape).astype(np.float32) for part in clip] for clip in clips
    ], list(truth)


@pytest.fixture
def small_cluster(cluster: Machines) -> Machines:
    cluster.scheduler()
    cluster.worker("--no-nanny")
    return cluster


@pytest.mark.slow
def test_fits_on_a_worker_are_those_of_threads(small_cluster: Machines) -> None:
    clips, truth = noisy()
    folds = halves(len(clips))
    alone = search(clips, truth, folds, candidates(), run=threads(1))
    with on_cluster(small_cluster.address) as run:
        assert search(clips, truth, folds, candidates(), run=run) == alone
        known = {(i, 0): trial.right[0] for i, trial in enumerate(alone)}
        assert search(clips, truth, folds, candidates(), known=known, run=run) == alone


def test_other_versions_and_errors_come_from_where_they_are() -> None:
    clips, truth = noisy()
    trials = Trials(clips, truth, halves(len(clips)))
    setting = candidates()[0]
    found = fits.try_on_worker(trials, setting, 0, {"numpy": "0.1"})
    assert isinstance(found, ClusterError)
    assert "a worker has numpy" in str(found)
    assert isinstance(fits.try_on_worker(trials, setting, 7, {}), IndexError)


@pytest.mark.slow
def test_a_fit_that_kills_its_workers_ends_in_time(cluster: Machines) -> None:
    clips, truth = noisy()
    trials = DeadlyTrials(clips, truth, halves(len(clips)))
    cluster.scheduler()
    cluster.worker()
    with (
        dask.config.set({"audiotl.fit-timeout": "15s", "audiotl.workers-timeout": "30s"}),
        on_cluster(cluster.address) as run,
        pytest.raises(ClusterError, match=r"fits were lost|a fit took longer than 15 s"),
    ):
        list(run(trials, [(candidates()[0], 0)]))


@pytest.mark.slow
def test_a_scheduler_that_is_gone_ends_the_search(small_cluster: Machines) -> None:
    clips, truth = noisy()
    done = []

    def note(*fit: object) -> None:
        done.append(fit)
        if len(done) == 2:
            kill(small_cluster.processes[0])

    with on_cluster(small_cluster.address) as run, pytest.raises(ClusterError, match="is gone"):
        search(clips, truth, halves(len(clips)), candidates() * 20, run=run, on_fit=note)
    wait_until(lambda: len(done) >= 2)


@pytest.mark.slow
def test_train_tune_and_evaluate_give_the_same_bytes(
    project: Path, sounds: Path, cluster: Machines, run: Run
) -> None:
    cluster.scheduler()
    for _ in range(2):
        cluster.worker("--no-nanny")
    run("index", sounds)
    run("extract", "--extractor", "mfcc")
    where = ("--cluster", cluster.address)
    for command in ("train", "tune"):
        plain = run(command, "--search", 5, "--out", "plain.joblib", "--json")
        spread = run(command, "--search", 5, "--out", "spread.joblib", "--json", *where)
        assert (plain.code, spread.code) == (0, 0), spread.err
        assert Path("plain.joblib").read_bytes() == Path("spread.joblib").read_bytes()
        assert plain.json["leaderboard"] == spread.json["leaderboard"]
    evaluate = ("evaluate", "--cv", "2", "--search", 5, "--report")
    assert run(*evaluate, "plain").code == 0
    assert run(*evaluate, "spread", *where).code == 0
    for path in Path("plain").iterdir():
        assert path.read_bytes() == (Path("spread") / path.name).read_bytes(), path.name
