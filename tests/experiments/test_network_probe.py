from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from audiotl_cli.dataset.index import Clip
from audiotl_cli.errors import DataError
from audiotl_cli.experiments.network_choice import choose_by_score
from audiotl_cli.experiments.network_probe import Probe, clips_to_probe


def clips(n_labels: int, n_each: int, **values: object) -> list[Clip]:
    common = {"split": "train", "duration_s": 5.0, **values}
    return [
        Clip(f"{label}/{take}.wav", f"label{label}", **common)  # type: ignore[arg-type]
        for label in range(n_labels)
        for take in range(n_each)
    ]


def test_fifty_clips_at_most_as_many_of_each_label() -> None:
    index = clips(4, 40)

    chosen = clips_to_probe(index, 0)

    assert Counter(clip.label for clip in chosen) == {f"label{i}": 12 for i in range(4)}
    assert chosen == sorted(chosen, key=index.index)
    assert chosen == clips_to_probe(index, 0)
    assert chosen != clips_to_probe(index, 1)


def test_of_many_labels_ten_are_drawn() -> None:
    chosen = clips_to_probe(clips(30, 20), 0)

    assert sorted(Counter(clip.label for clip in chosen).values()) == [5] * 10


def test_clips_come_from_as_many_groups_as_there_are() -> None:
    index = [
        Clip(f"{i}.wav", f"label{i % 2}", "train", group=f"site{i // 20}", duration_s=1.0)
        for i in range(200)
    ]

    chosen = clips_to_probe(index, 0)

    assert set(Counter(clip.group for clip in chosen).values()) <= {4, 5, 6}


def test_only_usable_training_clips_with_one_label_are_taken() -> None:
    good = clips(2, 5)
    others = [
        Clip("test.wav", "label0", "test", duration_s=5.0),
        Clip("several.wav", "label0;label1", "train", duration_s=5.0),
        Clip("none.wav", "", "train", duration_s=5.0),
        Clip("silent.wav", "label0", "train", duration_s=5.0, problems="silent"),
    ]

    assert clips_to_probe([*others, *good], 0) == good
    assert len(clips_to_probe(clips(2, 5, split=""), 0)) == 10


def test_long_clips_are_half_an_hour_together() -> None:
    assert len(clips_to_probe(clips(3, 40, duration_s=60.0), 0)) == 30
    assert len(clips_to_probe(clips(5, 40, duration_s=150.0), 0)) == 12
    with pytest.raises(DataError, match="clips of 3600 s are too long"):
        clips_to_probe(clips(3, 40, duration_s=3600.0), 0)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (clips(1, 40), "not two labels"),
        (clips(9, 3), "not two labels"),
        (clips(2, 40, group="one"), "not two labels"),
        (clips(2, 40, duration_s=None), "lengths of clips are not known"),
    ],
)
def test_why_networks_cannot_be_compared(index: list[Clip], message: str) -> None:
    with pytest.raises(DataError, match=message):
        clips_to_probe(index, 0)


def probe(name: str, n_right: int, n: int = 50) -> Probe:
    right = np.zeros(n)
    right[:n_right] = 1.0
    return Probe(name, right, np.ones(n), np.arange(n), 0)


@pytest.mark.parametrize(
    ("scores", "chosen"),
    [
        ({"first": 40, "second": 41}, "first"),  # within one standard error
        ({"first": 30, "second": 41}, "second"),
        ({"first": 30, "second": 40, "third": 41}, "second"),
    ],
)
def test_the_first_of_those_that_are_tied_is_chosen(scores: dict[str, int], chosen: str) -> None:
    choice = choose_by_score([probe(*score) for score in scores.items()], "x.csv", {})

    assert choice.extractor == chosen
    assert choice.probes[0].score == max(scores.values()) / 50
