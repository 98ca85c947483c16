"""The main job on real recordings and real features, where they are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Run, shared


def test_gtzan_taggrams_reach_the_published_figures(project: Path, run: Run) -> None:
    folder = shared("data/gtzan")
    for part, split in (("training", "train"), ("evaluation", "test")):
        file = folder / f"{part}_data_GTZAN_MSDmusicnn_taggram.npz"
        assert run("store", "import", file, "--name", "gtzan", "--split", split).code == 0

    accuracies = {}
    for classifier in ("linear-svm", "mlp"):
        run("train", "--classifier", classifier, "--pooling", "vote")
        value = run("evaluate", "--json").json
        assert value["n_clips"] == 290
        accuracies[classifier] = value["accuracy"]

    assert accuracies["linear-svm"] == pytest.approx(0.803, abs=0.004)
    assert accuracies["mlp"] >= 0.80


def test_esc10_with_the_classic_baseline(project: Path, run: Run) -> None:
    esc10 = shared("data/esc10")
    indexed = run(
        "index", esc10, "--fold-regex", r"/(\d)-", "--group-regex", r"/\d-(\d+)-", "--json"
    )
    assert indexed.json["n_clips"] == 400
    assert indexed.json["problems"] == {}
    assert run("extract", "--extractor", "mfcc", "--json").json["n_added"] == 400

    value = run("evaluate", "--cv", "fold", "--json").json

    assert list(value["rounds"]) == ["1", "2", "3", "4", "5"]
    assert value["accuracy"] == pytest.approx(0.7875, abs=0.02)


@pytest.mark.slow
def test_choosing_on_gtzan_is_not_fooled_by_artists(project: Path, run: Run) -> None:
    folder = shared("data/gtzan")
    for part, split in (("training", "train"), ("evaluation", "test")):
        file = folder / f"{part}_data_GTZAN_MSDmusicnn_taggram.npz"
        assert run("store", "import", file, "--name", "gtzan", "--split", split).code == 0

    value = run("train", "--search", "100", "--json").json

    (chosen,) = [one for one in value["leaderboard"] if one["chosen"]]
    assert value["held_out"]["accuracy"] == pytest.approx(chosen["accuracy"], abs=0.05)
    assert value["held_out"]["accuracy"] >= 0.77
