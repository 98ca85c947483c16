from __future__ import annotations

import random
from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest

from audiotl_cli.classifiers.card import ExtractorSpec
from audiotl_cli.classifiers.choice import Tried
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.pooling import Frames, pool
from audiotl_cli.classifiers.space import Setting
from audiotl_cli.classifiers.training import fit_classifier
from audiotl_cli.classifiers.trials import threads
from audiotl_cli.dataset.index import Clip
from audiotl_cli.experiments.features import LabelledFeatures, of_extractors
from audiotl_cli.experiments.search import choose, deal_folds, plan
from audiotl_cli.extractor_config import ExtractorConfig
from audiotl_cli.store.store import FeatureStore

LINEAR, NEIGHBOUR = (
    ClassifierOptions("logreg", "mean"),
    ClassifierOptions("knn", "mean", scale=True),
)
N_SOURCES, N_TAKES, DIM = 10, 6, 8


def of(clips: list[Clip], frames: Sequence[Sequence[Frames]]) -> LabelledFeatures:
    specs = [
        ExtractorSpec(ExtractorConfig(f"made{i}"), f"{i:012d}", pool(part, "mean").shape[1])
        for i, part in enumerate(frames[0])
    ]
    keys = [f"{i:064d}" for i in range(len(clips))]
    return LabelledFeatures(clips, keys, frames, specs, [cast(FeatureStore, None) for _ in specs])


def of_sources(seed: int, *, grouped: bool = False) -> LabelledFeatures:
    """Make clips whose source can be heard far better than their label."""
    rng = np.random.default_rng(seed)
    signs = np.random.default_rng(99).normal(size=(3, DIM))
    clips, frames = [], []
    for number, label in enumerate(("ant", "bee", "cat")):
        for source in range(N_SOURCES):
            sound = 1.0 * signs[number] + 1.5 * rng.normal(size=DIM)
            for take in range(N_TAKES):
                path = f"{label}/{source * N_TAKES + take}.wav"
                clips.append(Clip(path, label, group=f"{label}{source}" if grouped else ""))
                frame = sound + 0.3 * rng.normal(size=(1, DIM))
                frames.append([frame.astype(np.float32)])
    return of(clips, frames)


def accuracy_elsewhere(options: ClassifierOptions, known: LabelledFeatures) -> float:
    unknown = of_sources(1)
    told = fit_classifier(known.frames, known.labels, options).predict(unknown.frames)
    return float(np.mean(np.array(told) == np.array(unknown.labels)))


def test_hidden_sources_do_not_fool_the_chooser() -> None:
    data = of_sources(0)
    rows = list(range(len(data.clips)))
    candidates = [Setting(NEIGHBOUR), Setting(LINEAR)]
    order = np.random.default_rng(0).permutation(len(rows)).tolist()
    shuffled = [
        ([i for i in order if i not in part], part) for part in (order[k::5] for k in range(5))
    ]

    naive = choose(data, rows, candidates, shuffled)
    ours = choose(data, rows, candidates, deal_folds(data, rows, 0))

    assert naive.options == NEIGHBOUR
    assert ours.options == LINEAR
    true = accuracy_elsewhere(LINEAR, data)
    assert true > accuracy_elsewhere(NEIGHBOUR, data)
    assert abs(ours.chosen.accuracy - true) < 0.15
    assert naive.chosen.accuracy - accuracy_elsewhere(NEIGHBOUR, data) > 0.3


@pytest.mark.parametrize("seed", [0, 1])
def test_each_clip_is_tested_once_and_never_fitted_on_beside_its_like(seed: int) -> None:
    data = of_sources(2)
    twin = len(data.clips)
    clips = [*data.clips, Clip("ant/999.wav", "ant")]
    data = of(clips, [*data.frames, data.frames[0]])
    folds = deal_folds(data, range(len(clips)), seed)
    assert sorted(i for _, test in folds for i in test) == list(range(len(clips)))
    for fit, test in folds:
        assert not set(fit) & set(test)
        assert not ({0, twin} & set(fit) and {0, twin} & set(test))
        assert {clips[i].label for i in fit} == {"ant", "bee", "cat"}


def test_groups_of_the_index_are_tested_as_one_wherever_they_lie() -> None:
    data = of_sources(3, grouped=True)
    order = list(range(len(data.clips)))
    random.Random(0).shuffle(order)
    for fit, test in deal_folds(data, order, 0):
        tested = {data.clips[order[i]].group for i in test}
        assert tested.isdisjoint(data.clips[order[i]].group for i in fit)


def test_folds_of_the_index_are_kept() -> None:
    clips = [Clip(f"{i}.wav", "ab"[i % 2], fold=str(i % 3)) for i in range(12)]
    data = of(clips, [[np.full((1, 2), i, np.float32)] for i in range(12)])
    assert [test for _, test in deal_folds(data, range(12), 0)] == [
        list(range(k, 12, 3)) for k in range(3)
    ]


def test_few_clips_are_dealt_all_the_same() -> None:
    clips = [Clip(f"{i}.wav", "ab"[i % 2]) for i in range(6)]
    data = of(clips, [[np.full((1, 2), i % 2, np.float32)] for i in range(6)])
    folds = deal_folds(data, range(6), 0)
    assert sorted(i for _, test in folds for i in test) == list(range(6))


def test_extractors_alone_in_pairs_and_all_together() -> None:
    data = of_sources(0)
    three = of(data.clips, [[clip[0]] * 3 for clip in data.frames])
    subsets = {setting.parts for setting in plan(three, range(180), 10_000, LINEAR)}
    assert subsets == {(0, 1, 2), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2)}
    assert [spec.name for spec in of_extractors(three, (2, 0)).extractors] == ["made2", "made0"]
    assert len(of_extractors(three, (1,)).frames[5]) == 1


def test_what_is_asked_for_beside_the_setting_holds_for_all_that_are_tried() -> None:
    data = of_sources(0)
    two = of(data.clips, [[clip[0]] * 2 for clip in data.frames])
    base = ClassifierOptions("logreg", "mean", scale=True, combine="average", balance=True)
    candidates = plan(two, range(180), 8, base)
    assert all(
        setting.options.combine == "average" and setting.options.balance for setting in candidates
    )
    together = [setting for setting in candidates if setting.parts == (0, 1)][:1]
    assert together[0].options == base
    choice = choose(two, range(180), together, deal_folds(two, range(180), 0), run=threads(1))
    alone = choose(
        data, range(180), [Setting(base)], deal_folds(data, range(180), 0), run=threads(1)
    )
    # twice the same features: the mean of two equal classifiers is either of them
    assert choice.chosen.accuracy == alone.chosen.accuracy


def test_progress_and_the_leaderboard() -> None:
    data = of_sources(0)
    rows = list(range(len(data.clips)))
    seen = []
    choice = choose(
        data,
        rows,
        [Setting(NEIGHBOUR), Setting(LINEAR)],
        deal_folds(data, rows, 0),
        on_progress=lambda *done: seen.append(done),
    )
    board = choice.leaderboard()
    n_fits = [len(row["accuracies"]) for row in board]
    assert n_fits == [5, 2]  # the worse is given up, and no longer waited for
    assert seen[-1] == (7, 7)
    assert [row["chosen"] for row in board].count(True) == 1
    assert board[0]["extractors"] == [{"name": "made0", "layer": ""}]
    assert isinstance(choice.chosen, Tried)
