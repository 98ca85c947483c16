"""``--balance``: what it does, and when it is used without being asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiotl_cli import load_model
from tests.conftest import Run


def record(counts: dict[str, int]) -> None:
    """Write tones that are a little higher with every label."""
    rng = np.random.default_rng(0)
    time = np.arange(4000) / 8000
    for number, (label, count) in enumerate(counts.items()):
        Path("sounds", label).mkdir(parents=True)
        for i in range(count):
            tone = np.sin(2 * np.pi * (rng.normal(600, 120) + 250 * number) * time)
            sound = 0.3 * tone + rng.normal(0, rng.uniform(0.05, 0.3), len(time))
            with Path("sounds", label, f"{label}-{i:02d}.wav").open("wb") as file:
                soundfile.write(file, sound, 8000, format="WAV")


def prepare(run: Run, counts: dict[str, int]) -> None:
    record(counts)
    assert run("index", "sounds", "--no-audit").code == 0
    assert run("extract", "--extractor", "mfcc").code == 0


@pytest.fixture
def unequal(project: Path, run: Run) -> Path:
    """Return a project of unbalanced labels."""
    prepare(run, {"low": 60, "middle": 12, "high": 8})
    return project


def test_unbalanced_labels_are_balanced_where_that_wins(unequal: Path, run: Run) -> None:
    found = run("train", "--json").json
    shown = run("train")
    off = run("train", "--balance", "off", "--json").json

    assert found["balance"]
    assert found["balancing"]["balanced"] > found["balancing"]["plain"]
    assert "labels balanced: balanced accuracy 0." in shown.out
    assert load_model(found["model"]).card.balancing == found["balancing"]
    assert "- Balance: every label counts" in Path(found["model"]).with_suffix(".md").read_text()
    assert not off["balance"]
    assert "balancing" not in off
    assert off["model"] != found["model"]
    assert found["verdict"]["value"] > off["verdict"]["value"]


def test_by_itself_it_means_on(unequal: Path, run: Run) -> None:
    on = run("train", "--balance", "on", "--json").json
    alone = run("train", "--balance", "--json").json
    assert alone == on
    assert on["model"].endswith("-balance.joblib")
    refused = run("train", "--balance=always")
    assert refused.code == 2
    assert "'always' is not one of auto, on, off" in refused.err
    Path("audiotl.toml").write_text("[train]\nbalance = true\n")
    assert run("train", "--json").json == on


def test_rounds_decide_by_themselves(unequal: Path, run: Run) -> None:
    found = run("evaluate", "--cv", "3", "--json").json
    off = run("evaluate", "--cv", "3", "--balance", "off", "--json").json
    assert found["balance"]
    assert sum(found["balanced"].values()) >= 2
    assert not any(off["balanced"].values())
    assert found["balanced_accuracy"] > off["balanced_accuracy"]


def test_searches_go_by_balanced_accuracy(unequal: Path, run: Run) -> None:
    board = run("train", "--search", "4", "--json").json["leaderboard"]
    whole = [one for one in board if len(one["accuracies"]) == len(board[0]["accuracies"])]
    scores = [one["balanced_accuracy"] for one in whole]
    assert scores == sorted(scores, reverse=True)


def test_equal_labels_are_as_before(project: Path, run: Run) -> None:
    prepare(run, {"low": 12, "high": 12})
    found = run("train", "--json").json
    assert not found["balance"]
    assert "balancing" not in found
    board = run("train", "--search", "2", "--json").json["leaderboard"]
    assert all("balanced_accuracy" not in one for one in board)


def test_calibration_keeps_the_balance(unequal: Path, run: Run) -> None:
    values = [
        run("train", *how, "--json").json["verdict"]["value"]
        for how in ((), ("--calibrate", "sigmoid"), ("--balance", "off"))
    ]
    assert values[1] == pytest.approx(values[0], abs=0.1)
    assert values[1] > values[2]
