from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from audiotl_cli.evaluation.clips import EvaluatedClip
from audiotl_cli.evaluation.evaluation import Evaluation, Source
from audiotl_cli.evaluation.measure import ScoredClips, measure
from audiotl_cli.evaluation.verdict import Verdict
from audiotl_cli.labels import are_unbalanced, clip_weights

BABIES = {"hungry": 95, "tired": 8, "discomfort": 6, "belly pain": 4, "burping": 2}


def measured(
    truth: Sequence[str],
    predicted: Sequence[str],
    baseline: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
) -> Evaluation:
    """Return the evaluation of predictions that are sure of themselves."""
    labels = sorted({*truth, *predicted})
    scores = np.eye(len(labels))[[labels.index(label) for label in predicted]]
    clips = [
        EvaluatedClip(f"{i}.wav", label, group=groups[i] if groups else "")
        for i, label in enumerate(truth)
    ]
    scored = ScoredClips(clips, labels, [scores], baseline=baseline and [baseline])
    return measure("t", scored, Source(), seed=0)


def judged(
    truth: Sequence[str], predicted: Sequence[str], baseline: Sequence[str] | None = None
) -> Verdict:
    found = measured(truth, predicted, baseline).verdict
    assert found is not None
    return found


def babies() -> list[str]:
    return [label for label, n in BABIES.items() for _ in range(n)]


def test_the_commonest_label_for_every_clip_is_no_better() -> None:
    found = judged(babies(), ["hungry"] * 115)

    assert found.level == "no_better"
    assert found.text == (
        "No better than always answering 'hungry' (accuracy 0.826): balanced accuracy 0.20, "
        "chance 0.20. 4 of 5 labels are never recognised: belly pain, burping, discomfort, tired."
    )
    assert found.baselines["commonest"] == {
        "label": "hungry", "accuracy": pytest.approx(95 / 115), "balanced_accuracy": 0.2,
    }  # fmt: skip


def test_a_higher_accuracy_is_no_better_where_rare_labels_are_missed() -> None:
    """One rare clip more than always the commonest: accuracy rises, and it is still useless."""
    predicted = ["hungry"] * 115
    predicted[95] = "tired"
    found = judged(babies(), predicted)
    assert found.level == "no_better"
    assert "3 of 5 labels are never recognised" in found.text


def test_balanced_accuracy_leads_where_labels_are_unbalanced() -> None:
    truth = babies()
    predicted = [label if i % 3 else "tired" for i, label in enumerate(truth)]

    found = measured(truth, predicted)

    scores = found.scores
    assert scores.leading == "balanced_accuracy"
    value, (low, high) = scores.lead
    assert low < value == scores.metrics["balanced_accuracy"] < high
    assert found.verdict is not None
    assert found.verdict.level == "clearly_better"
    assert f"Its accuracy, {scores.accuracy:.3f}, is below 0.826" in found.verdict.text


def test_equal_labels_keep_the_accuracy() -> None:
    truth = ["a", "b"] * 50
    found = measured(truth, [*truth[:92], *["a"] * 8])
    assert found.scores.leading == "accuracy"
    assert found.scores.lead == (found.scores.accuracy, found.scores.interval)
    assert found.verdict is not None
    assert found.verdict.text == (
        "Clearly better than always answering 'a': accuracy 0.96 against 0.50."
    )


def test_a_weak_model_is_better_but() -> None:
    truth = [f"label {i}" for i in range(10)] * 40
    predicted = [label if i % 3 == 0 else truth[i - 1] for i, label in enumerate(truth)]
    found = judged(truth, predicted)
    assert found.level == "better_but"
    assert found.text.endswith(
        "accuracy 0.34 against 0.10, but 66 % of the clips get another label."
    )


def test_few_clips_show_nothing() -> None:
    found = judged(["a", "b", "a", "b"], ["a", "b", "a", "a"])
    assert found.level == "not_shown"
    assert "4 clips are too few to tell" in found.text
    assert judged(["a", "a"], ["a", "b"]).level == "cannot_say"


def test_few_groups_show_nothing_however_many_clips_they_have() -> None:
    truth, sites = ["a", "b", "a"] * 10, ["1", "2", "3", "4", "5"] * 6
    swapped = {"a": "b", "b": "a"}
    one_wrong = [swapped[x] if site == "5" else x for x, site in zip(truth, sites, strict=True)]
    for predicted in (one_wrong, truth):
        verdict = measured(truth, predicted, groups=sites).verdict
        assert verdict is not None
        assert verdict.level == "not_shown"
        assert "5 groups are too few to tell" in verdict.text


def test_a_network_no_better_than_mfcc_features() -> None:
    truth = ["a", "b"] * 50
    good = [*truth[:95], *["a"] * 5]
    worse = judged(truth, good, baseline=truth)
    assert worse.level == "better_but"
    assert "but no better than" in worse.text
    assert worse.baselines["mfcc"] == {"accuracy": 1.0, "balanced_accuracy": 1.0}
    better = judged(truth, good, baseline=["a"] * 100)
    assert better.level == "clearly_better"
    assert "; better than the same clips' MFCC features" in better.text


def test_several_labels_are_ranked_before_the_others_or_not() -> None:
    rng = np.random.default_rng(0)
    has = rng.random((200, 3)) < [0.5, 0.2, 0.1]
    has[:, 0] |= ~has.any(axis=1)
    labels = ["a", "b", "c"]
    texts = [";".join(label for label, yes in zip(labels, row, strict=True) if yes) for row in has]
    clips = [EvaluatedClip(f"{i}.wav", text) for i, text in enumerate(texts)]

    def verdict(scores: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Verdict:
        scored = ScoredClips(clips, labels, [scores], multi_label=True)
        found = measure("t", scored, Source(), 0).verdict
        assert found is not None
        return found

    noise = rng.random((200, 3))
    useless, useful = verdict(noise), verdict(has * 0.6 + noise * 0.4)
    assert useless.level == "no_better"
    assert useless.text.startswith("No better than scores that know nothing of the sound: mean")
    assert useful.level == "clearly_better"
    share = useful.baselines["commonest"]["mean_average_precision"]
    assert share == pytest.approx(has.mean(axis=0).mean())


def test_labels_are_unbalanced_beyond_twice() -> None:
    assert not are_unbalanced(["a", "a", "b"])
    assert are_unbalanced(["a", "a", "a", "b"])
    assert clip_weights(["a", "a", "b"]) == [1, 1, 1]
    assert clip_weights(["a", "a", "a", "b"]) == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])
