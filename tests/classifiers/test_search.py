from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

from audiotl_cli.classifiers import trials as trials_module
from audiotl_cli.classifiers.choice import rank
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.search import search
from audiotl_cli.classifiers.space import Setting
from audiotl_cli.classifiers.training import fit_classifier
from audiotl_cli.classifiers.trials import rotate, threads
from audiotl_cli.errors import UsageError
from tests.classifiers.problems import made_clips


def halves(n: int) -> list[tuple[list[int], list[int]]]:
    first, second = list(range(n // 2)), list(range(n // 2, n))
    return [(first, second), (second, first)]


def test_what_tells_labels_apart_is_told() -> None:
    """Labels lie in the spread of frames, which the mean cannot see."""
    rng = np.random.default_rng(0)
    clips, truth = [], []
    for i in range(60):
        loud = i % 2
        clips.append([rng.normal(0, 3.0 if loud else 0.3, (40, 4)).astype(np.float32)])
        truth.append("loud" if loud else "soft")
    poolings = ("mean", "mean+std")
    candidates = [Setting(ClassifierOptions("logreg", pooling)) for pooling in poolings]
    fits = []
    tried = search(
        clips, truth, halves(60), candidates, on_fit=lambda *fit: fits.append(fit), run=threads(2)
    )
    assert [trial.setting for trial in tried] == candidates
    assert tried[1].accuracy == 1.0
    assert tried[0].accuracy < 0.9
    made = sorted((candidates.index(setting), fold) for setting, fold, _ in fits)
    assert made == [(0, 0), (1, 0), (1, 1)]  # after the first fold there is no doubt
    assert tried[1].accuracies == [1.0, 1.0]


def test_of_equals_the_one_named_first() -> None:
    clips, truth = made_clips()
    candidates = [Setting(ClassifierOptions(name, "mean")) for name in ("svm", "logreg", "knn")]
    tried = search(clips, truth, halves(len(clips)), candidates)
    assert [trial.accuracy for trial in tried] == [1.0, 1.0, 1.0]
    assert [trial.setting for trial in rank(tried)] == candidates


def test_extractors_are_tried_alone_and_together() -> None:
    clips, truth = made_clips()
    noise = np.random.default_rng(1)
    both = [[noise.normal(size=(2, 3)).astype(np.float32), clip[0]] for clip in clips]
    options = ClassifierOptions("logreg", "mean", scale=True)
    candidates = [Setting(options, parts) for parts in ((0,), (1,), (0, 1))]
    tried = search(both, truth, halves(len(clips)), candidates)
    assert tried[0].accuracy < 0.7
    assert tried[1].accuracy == tried[2].accuracy == 1.0


def test_neither_workers_nor_what_is_known_change_anything() -> None:
    clips, truth = made_clips(20, dim=30)
    rng = np.random.default_rng(0)
    clips = [
        [part + rng.normal(0, 3, part.shape).astype(np.float32) for part in clip] for clip in clips
    ]
    candidates = [
        Setting(ClassifierOptions("linear-svm", pooling, scale=True, params={"C": C}))
        for C in (0.001, 1.0)
        for pooling in ("mean", "mean+std", "vote")
    ]
    folds = halves(len(clips))
    alone = search(clips, truth, folds, candidates, run=threads(1))
    assert search(clips, truth, folds, candidates, run=threads(4)) == alone
    known = {(i, 0): trial.right[0] for i, trial in enumerate(alone) if i % 2}
    fits = []
    again = search(
        clips, truth, folds, candidates, known=known, on_fit=lambda *fit: fits.append(fit)
    )
    assert again == alone
    assert len(fits) == sum(len(trial.right) for trial in alone) - 3


def test_hopeless_settings_are_given_up() -> None:
    """One extractor tells everything, the other is noise."""
    clips, truth = made_clips(20)
    noise = np.random.default_rng(1)
    both = [[noise.normal(size=(2, 3)).astype(np.float32), clip[0]] for clip in clips]
    options = ClassifierOptions("logreg", "mean")
    candidates = [Setting(options, (0,)), Setting(options, (1,))]
    dropped: list[int] = []
    fits = []
    tried = search(
        both,
        truth,
        [*halves(60), *halves(60)],
        candidates,
        on_fit=lambda *fit: fits.append(fit),
        on_drop=dropped.append,
    )
    assert len(tried[0].right) == 1
    assert len(tried[1].right) == 4
    assert dropped == [3]
    assert len(fits) == 5


def test_warnings_are_kept_back_whatever_threads_do_to_the_filters() -> None:
    """scikit-learn's own blocks put the filters of another moment back."""
    clips, truth = made_clips()
    options = ClassifierOptions("logreg", "mean", params={"max_iter": 1})
    shown: list[object] = []

    def upset(*fit: object) -> None:
        warnings.simplefilter("always")

    with warnings.catch_warnings():
        warnings.showwarning = lambda *args, **more: shown.append(args)
        search(clips, truth, halves(36), [Setting(options)] * 3, on_fit=upset, run=threads(1))
        warnings.simplefilter("always")
        warnings.warn("this one is seen", stacklevel=1)
    assert len(shown) == 1


def test_a_setting_that_cannot_be_fitted_is_an_error() -> None:
    clips, truth = made_clips()
    bad = Setting(ClassifierOptions("logreg", "mean", params={"C": -1.0}))
    with pytest.raises(UsageError, match="logreg cannot be fitted"):
        search(clips, truth, halves(len(clips)), [bad])


@pytest.mark.parametrize("sqrt", [False, True])
@pytest.mark.parametrize("pooling", ["mean", "mean+std"])
@pytest.mark.parametrize("name", ["logreg", "linear-svm", "svm"])
def test_rotated_features_give_the_same_classifier(name: str, pooling: str, sqrt: bool) -> None:
    clips, truth = made_clips(8, dim=60)
    unknown, _ = made_clips(6, dim=60, seed=1)
    options = ClassifierOptions(name, pooling, scale=True, sqrt=sqrt)
    plain = fit_classifier(clips, truth, options)
    known_there, unknown_there = rotate(clips, unknown, pooling, sqrt=sqrt)
    assert known_there[0][0].shape == (1, 25)
    turned = fit_classifier(known_there, truth, ClassifierOptions(name, "mean", scale=False))
    np.testing.assert_allclose(turned.scores(unknown_there), plain.scores(unknown), atol=2e-3)


def test_rotated_extractors_are_averaged_as_they_would_be_unrotated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clips, truth = made_clips(20, dim=80)
    rng = np.random.default_rng(0)
    both = [[clip[0] + rng.normal(0, 4, clip[0].shape).astype(np.float32)] * 2 for clip in clips]
    both = [[first, second[:, :70] ** 3] for first, second in both]
    options = ClassifierOptions("logreg", "mean+std", scale=True, sqrt=True, combine="average")
    candidates = [Setting(options, (0, 1)), Setting(replace(options, sqrt=False), (0, 1))]
    turned = search(both, truth, halves(60), candidates)
    monkeypatch.setattr(trials_module, "_may_rotate", lambda options: False)
    assert search(both, truth, halves(60), candidates) == turned
    assert 0.4 < turned[0].accuracy < 1
