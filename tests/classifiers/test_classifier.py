from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.pooling import pool_clip
from audiotl_cli.classifiers.registry import classifier_name, find_recipe, list_classifiers
from audiotl_cli.classifiers.training import fit_classifier
from audiotl_cli.classifiers.unfitted import build_classifier
from audiotl_cli.errors import DataError, UsageError
from tests.classifiers.problems import LABELS, made_clips

NAMES = [
    "logreg",
    "linear-svm",
    "svm",
    "perceptron",
    "mlp",
    "knn",
    "random-forest",
    "gradient-boosting",
    "prototype",
]
QUICK: dict[str, dict[str, Any]] = {
    "random-forest": {"n_estimators": 20},
    "gradient-boosting": {"max_iter": 10, "min_samples_leaf": 3},
    "mlp": {"learning_rate_init": 0.05},
}


@pytest.mark.parametrize("n_each", [2, 5, 12])
def test_boosting_learns_from_few_clips(n_each: int) -> None:
    clips, truth = made_clips(n_each)
    options = ClassifierOptions("gradient-boosting", params={"max_iter": 10})

    classifier = fit_classifier(clips, truth, options)

    assert list(classifier.predict(clips)) == truth


def test_a_leaf_has_a_tenth_of_the_rows_at_most() -> None:
    leaves = [
        find_recipe("gradient-boosting").suited_params(n)["min_samples_leaf"]
        for n in (3, 40, 200, 9999)
    ]
    assert leaves == [1, 4, 20, 20]
    assert find_recipe("logreg").suited_params(3) == {}


def fit(name: str, pooling: str = "mean+std", seed: int = 0, **options: Any) -> ClipClassifier:
    clips, truth = made_clips()
    params = QUICK.get(name, {})
    kind = ClassifierOptions(name, pooling=pooling, seed=seed, params=params, **options)
    return fit_classifier(clips, truth, kind)


def test_table() -> None:
    assert list_classifiers() == NAMES


@pytest.mark.parametrize("pooling", ["vote", "mean+std"])
@pytest.mark.parametrize("name", NAMES)
def test_every_classifier_learns_and_repeats(name: str, pooling: str) -> None:
    model = fit(name, pooling)
    assert model.labels == LABELS
    assert model.pooling == pooling
    clips, truth = made_clips(5, seed=9)
    scores = model.scores(clips)
    assert scores.shape == (15, 3)
    assert scores.dtype == np.float64
    assert (scores >= 0).all()
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)
    predicted = model.predict(clips)
    assert sum(a == b for a, b in zip(predicted, truth, strict=True)) >= 14
    np.testing.assert_array_equal(fit(name, pooling).scores(clips), scores)


@pytest.mark.parametrize("name", ["linear-svm", "svm"])
def test_several_extractors_are_standardised(name: str) -> None:
    """A network with large numbers that say nothing must not drown one that tells labels."""
    clips, truth = made_clips()
    rng = np.random.default_rng(5)
    for clip in clips:
        clip.append(rng.normal(0, 300, (3, 2)).astype(np.float32))
    together = fit_classifier(clips, truth, ClassifierOptions(name))
    assert "standardise" in together.pipeline.named_steps
    assert together.predict(clips) == truth
    as_told = fit_classifier(clips, truth, ClassifierOptions(name, scale=False))
    assert "standardise" not in as_told.pipeline.named_steps
    alone = fit_classifier([clip[:1] for clip in clips], truth, ClassifierOptions(name))
    assert "standardise" not in alone.pipeline.named_steps


@pytest.mark.parametrize("name", ["mlp", "random-forest"])
def test_seed_matters_where_there_is_chance(name: str) -> None:
    clips, _ = made_clips(5, seed=9)
    assert not np.array_equal(fit(name, seed=1).scores(clips), fit(name, seed=2).scores(clips))


@pytest.mark.parametrize("name", NAMES)
def test_two_labels(name: str) -> None:
    clips, truth = made_clips(labels=["yes", "no"])
    options = ClassifierOptions(name, params=QUICK.get(name, {}))
    model = fit_classifier(clips, truth, options)
    assert model.labels == ["no", "yes"]
    test_clips, test_truth = made_clips(5, labels=["yes", "no"], seed=9)
    assert model.predict(test_clips) == test_truth
    scores = model.scores(test_clips)
    assert scores.shape == (10, 2)
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)


SOME = {"ant": "ant", "bee": "bee;big", "cat": "big"}
"""Labels of clips that have one or two; `made_clips` tells ant, bee and cat apart."""


@pytest.mark.parametrize("pooling", ["vote", "mean+std"])
@pytest.mark.parametrize("name", NAMES)
def test_every_classifier_tells_several_labels(name: str, pooling: str) -> None:
    clips, kinds = made_clips(20)
    options = ClassifierOptions(
        name, pooling=pooling, params=QUICK.get(name, {}), scale=True, multi_label=True
    )
    model = fit_classifier(clips, [SOME[kind] for kind in kinds], options)
    assert model.labels == ["ant", "bee", "big"]
    clips, kinds = made_clips(5, seed=9)
    scores = model.scores(clips)
    assert ((scores >= 0) & (scores <= 1)).all()
    right = [a == SOME[b] for a, b in zip(model.predict(clips), kinds, strict=True)]
    assert sum(right) >= 13


@pytest.mark.parametrize("everywhere", ["all", "zzz"])  # first and last in the order of labels
@pytest.mark.parametrize("name", NAMES)
def test_a_label_may_be_on_every_clip(name: str, everywhere: str) -> None:
    clips, kinds = made_clips(20)
    options = ClassifierOptions(
        name, pooling="mean+std", params=QUICK.get(name, {}), scale=True, multi_label=True
    )
    model = fit_classifier(clips, [f"{kind};{everywhere}" for kind in kinds], options)
    clips, kinds = made_clips(5, seed=9)
    told = [set(labels.split(";")) for labels in model.predict(clips)]
    assert all(everywhere in predicted for predicted in told)
    assert (
        sum(predicted == {kind, everywhere} for predicted, kind in zip(told, kinds, strict=True))
        >= 13
    )


@pytest.mark.parametrize("name", NAMES)
def test_balanced_labels_find_the_rare_one(name: str) -> None:
    """Two clouds that overlap, one of them with twenty times the clips."""
    rng = np.random.default_rng(0)

    def cloud(n: int, centre: float) -> list[list[Any]]:
        return [[rng.normal(centre, 1, (1, 2)).astype(np.float32)] for _ in range(n)]

    clips, labels = cloud(400, 0) + cloud(20, 1.2), ["usual"] * 400 + ["rare"] * 20
    params = {**QUICK.get(name, {}), **({"n_neighbors": 25} if name == "knn" else {})}

    def n_found(balance: bool) -> int:
        options = ClassifierOptions(
            name, pooling="mean", scale=True, params=params, balance=balance
        )
        return fit_classifier(clips, labels, options).predict(rare).count("rare")

    rare = cloud(100, 1.2)
    if name == "prototype":  # a mean weighs the same whatever it is the mean of
        assert n_found(True) > 75
        assert n_found(False) > 75
    elif name == "random-forest":  # its leaves are pure, so weights hardly show
        assert n_found(True) >= n_found(False) - 5
    else:
        assert n_found(True) > n_found(False) + 20


@pytest.mark.parametrize("name", NAMES)
def test_extractors_are_averaged(name: str) -> None:
    clips, labels = made_clips(20)
    for clip in clips:
        clip.append(clip[0][:, ::-1] * 1000)
    options = ClassifierOptions(name, params=QUICK.get(name, {}), combine="average")
    model = fit_classifier(clips, labels, options)
    assert model.pipeline.n_features == 24
    assert model.predict(clips) == labels
    alone = [
        fit_classifier(
            [clip[i : i + 1] for clip in clips],
            labels,
            replace(options, combine="concat", scale=True),
        ).scores([clip[i : i + 1] for clip in clips])
        for i in (0, 1)
    ]
    np.testing.assert_allclose(model.scores(clips), np.mean(alone, axis=0), atol=1e-12)


def test_averages_vote_and_tell_several_labels() -> None:
    clips, kinds = made_clips(20)
    for clip in clips:
        clip.append(clip[0] + 1)
    options = ClassifierOptions("linear-svm", combine="average", pooling="vote")
    assert fit_classifier(clips, kinds, options).predict(clips) == kinds
    labels = [SOME[kind] for kind in kinds]
    for pooling in ("vote", "mean"):
        several = replace(options, multi_label=True, pooling=pooling)
        assert fit_classifier(clips, labels, several).predict(clips) == labels


def test_unknown_combination() -> None:
    with pytest.raises(UsageError, match="--combine is 'sum', expected one of concat, average"):
        fit_classifier(*made_clips(2), ClassifierOptions(combine="sum"))


def test_labels_cannot_be_weighed_by_drawing_where_there_are_several() -> None:
    clips, kinds = made_clips()
    options = ClassifierOptions("knn", balance=True, multi_label=True)
    with pytest.raises(UsageError, match="knn cannot balance"):
        fit_classifier(clips, [SOME[kind] for kind in kinds], options)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_prototypes_learn_from_one_clip_a_label(metric: str) -> None:
    clips, labels = made_clips(12)
    options = ClassifierOptions("prototype", pooling="mean", scale=False, params={"metric": metric})
    model = fit_classifier(clips[:3], labels[:3], options)
    assert model.predict(clips) == labels


def test_the_scores_of_linear_svm_rank_as_its_margins_do() -> None:
    model = fit("linear-svm")
    clips, _ = made_clips(4, seed=9)
    rows = np.concatenate([pool_clip(clip, "mean+std") for clip in clips])
    margins = model.pipeline.decision_function(rows)
    np.testing.assert_array_equal(np.argsort(margins), np.argsort(model.scores(clips)))


def test_scores_do_not_depend_on_the_clips_beside() -> None:
    clips, _ = made_clips(4, seed=9)
    for name in ("logreg", "svm", "knn"):
        for pooling in ("vote", "mean"):
            model = fit(name, pooling)
            together = model.scores(clips)
            alone = np.concatenate([model.scores([clip]) for clip in clips])
            np.testing.assert_allclose(together, alone, rtol=1e-6)


def test_votes_are_shares_of_frames() -> None:
    clips, truth = made_clips()
    model = fit_classifier(clips, truth, ClassifierOptions("knn", pooling="vote"))
    ant, bee, cat = (clips[i][0][:1] for i in range(3))
    assert (truth[0], truth[1], truth[2]) == ("ant", "bee", "cat")
    mixed = [
        [np.concatenate([bee, ant, bee, cat])],
        [cat],
        [np.concatenate([cat, ant])],
    ]
    assert model.scores(mixed).tolist() == [[0.25, 0.5, 0.25], [0, 0, 1], [0.5, 0, 0.5]]
    assert model.predict(mixed) == ["bee", "cat", "ant"]  # the first of equals


def test_margins_become_a_softmax() -> None:
    model = fit("linear-svm", "mean")
    clips, _ = made_clips(2, seed=9)
    rows = np.concatenate([clip[0].mean(axis=0, dtype=np.float64)[None] for clip in clips])
    margins = model.pipeline.decision_function(rows.astype(np.float32))
    expected = np.exp(margins) / np.exp(margins).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.scores(clips), expected, rtol=1e-9)


def test_labels_are_sorted_whatever_order_they_come_in() -> None:
    clips, truth = made_clips(labels=["z", "ä", "B", "a"])
    model = fit_classifier(clips, truth, ClassifierOptions("knn"))
    assert model.labels == ["B", "a", "z", "ä"]
    assert model.predict(clips) == truth


def test_extractors_side_by_side_tell_more_than_one() -> None:
    rng = np.random.default_rng(0)
    bits = [(i // 2 % 2, i % 2) for i in range(40)]
    clips = [
        [
            (a + rng.normal(0, 0.1, (3, 2))).astype(np.float32),
            (b + rng.normal(0, 0.1, (5, 1))).astype(np.float32),
        ]
        for a, b in bits
    ]
    truth = [f"{a}{b}" for a, b in bits]
    options = ClassifierOptions("logreg", pooling="mean", params={"C": 10.0})
    model = fit_classifier(clips, truth, options)
    assert model.predict(clips) == truth
    with pytest.raises(DataError, match="2 values per clip, but the model expects 3"):
        model.scores([clip[:1] for clip in clips])


def test_one_label_is_not_enough() -> None:
    clips, _ = made_clips(2)
    with pytest.raises(DataError, match="all 6 training clips have the same label, 'dog'"):
        fit_classifier(clips, ["dog"] * 6, ClassifierOptions())


@pytest.mark.parametrize(
    ("name", "proper"),
    [
        ("linearSVM", "linear-svm"),
        ("SVM", "svm"),
        ("MLP", "mlp"),
        ("kNN", "knn"),
        ("perceptron", "perceptron"),
        ("Random-Forest", "random-forest"),
        ("logistic-regression", "logreg"),
    ],
)
def test_aliases(name: str, proper: str) -> None:
    assert classifier_name(name) == proper


def test_unknown_name() -> None:
    with pytest.raises(UsageError, match="unknown classifier 'svn'; choose from logreg, linear-"):
        classifier_name("svn")


def test_unknown_parameter_names_those_there_are() -> None:
    with pytest.raises(UsageError, match="svm does not take the parameters depth; it has C, bre"):
        fit_classifier(*made_clips(2), ClassifierOptions("svm", params={"depth": 3}))


@pytest.mark.parametrize(
    ("name", "params"), [("svm", {"C": -1}), ("knn", {"metric": "no"}), ("mlp", {"solver": 3})]
)
def test_parameter_with_an_impossible_value(name: str, params: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"{name} cannot be fitted to 6 clips: ") as caught:
        fit_classifier(*made_clips(2), ClassifierOptions(name, params=params))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("pca", [0, 7, 100])
def test_pca_out_of_range(pca: int) -> None:
    options = ClassifierOptions("knn", pooling="mean", pca=pca)
    with pytest.raises(UsageError, match=f"--pca is {pca}, but 36 rows of 6 features allow 1 to 6"):
        fit_classifier(*made_clips(), options)


def test_steps_of_the_pipeline() -> None:
    def steps(name: str, **options: Any) -> list[str]:
        chosen = {"scale": None, "pca": None, "seed": 0} | options
        return [step for step, _ in build_classifier(ClassifierOptions(name, **chosen)).steps]

    assert steps("logreg") == ["scale", "logreg"]
    assert steps("logreg", scale=False) == ["logreg"]
    assert steps("SVM") == ["svm"]
    assert steps("svm", sqrt=True) == ["scale", "svm"]
    with pytest.raises(UsageError, match="--root scales the features"):
        steps("svm", sqrt=True, scale=False)
    assert steps("svm", scale=True, pca=3) == ["scale", "pca", "svm"]


def test_the_five_of_the_seed_project_are_set_as_it_set_them() -> None:
    def params(name: str) -> dict[str, Any]:
        pipeline = build_classifier(ClassifierOptions(name, seed=7))
        assert len(pipeline.steps) == 1
        found: dict[str, Any] = pipeline.steps[0][1].get_params()
        return found

    assert params("linearSVM")["C"] == 1.0
    svm = params("svm")
    assert (svm["C"], svm["kernel"], svm["gamma"]) == (1.0, "rbf", "scale")
    perceptron = params("perceptron")
    assert (perceptron["loss"], perceptron["max_iter"]) == ("log_loss", 600)
    mlp = params("mlp")
    assert (mlp["hidden_layer_sizes"], mlp["max_iter"]) == ((20,), 600)
    assert (mlp["solver"], mlp["learning_rate_init"]) == ("sgd", 0.001)
    assert (mlp["learning_rate"], mlp["random_state"]) == ("constant", 7)
    knn = params("knn")
    assert (knn["n_neighbors"], knn["metric"]) == (1, "cosine")


def test_whitening_pca_has_unit_variance() -> None:
    clips, truth = made_clips()
    model = fit_classifier(clips, truth, ClassifierOptions("svm", pooling="mean", pca=4))
    rows = np.concatenate([clip[0].mean(axis=0, dtype=np.float64)[None] for clip in clips])
    white = model.pipeline.transform(rows.astype(np.float32))
    np.testing.assert_allclose(white.var(axis=0, ddof=1), np.ones(4), rtol=1e-4)


def test_warnings_of_the_fit_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    clips, truth = made_clips()
    options = ClassifierOptions("mlp", params={"max_iter": 2})
    fit_classifier(clips, truth, options)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("mlp: Stochastic Optimizer: Maximum iterations (2)")
