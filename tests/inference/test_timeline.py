from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.rejection import Rejection, fit_label_distances
from audiotl_cli.classifiers.training import fit_classifier
from audiotl_cli.extractors.base import Embeddings, Extractor
from audiotl_cli.extractors.registry import load_extractor
from audiotl_cli.inference.context import context_slices
from audiotl_cli.inference.timeline import Follower, Steps, frame_centres

CONTEXT_S = 2.0


def follow(
    classifier: ClipClassifier,
    extractors: Sequence[Extractor],
    embedded: Sequence[Embeddings],
    rng: np.random.Generator,
) -> Steps:
    """Judge frames that come in parts of any length."""
    follower = Follower(classifier, extractors, CONTEXT_S)
    found: list[Steps] = []
    begun = [0 for _ in embedded]
    while any(
        first < len(embeddings.frames) for first, embeddings in zip(begun, embedded, strict=True)
    ):
        number = int(rng.integers(len(embedded)))
        embeddings, first = embedded[number], begun[number]
        begun[number] = last = first + int(rng.integers(1, 40))
        if first < len(embeddings.frames):
            follower.add(
                number, Embeddings(embeddings.frames[first:last], embeddings.times[first:last])
            )
            found += follower.judged()
    assert found  # before the end
    found += follower.rest()
    return Steps(
        np.concatenate([steps.centres for steps in found]),
        np.concatenate([steps.scores for steps in found]),
    )


def made_clip(label: int, n_frames: int, rng: np.random.Generator) -> np.ndarray:
    return rng.normal(label, 1.5, (n_frames, 6)).astype(np.float32)


@pytest.mark.parametrize("pooling", ["vote", "mean", "mean+std", "mean+max"])
@pytest.mark.parametrize("hops", [(0.25,), (0.25, 0.5)], ids=["one", "two"])
def test_a_step_gets_the_score_of_its_stretch(pooling: str, hops: tuple[float, ...]) -> None:
    if pooling == "vote" and len(hops) > 1:
        hops = (0.25, 0.25)
    rng = np.random.default_rng(0)
    clips = [[made_clip(i % 2, 12, rng) for _ in hops] for i in range(20)]
    labels = ["low", "high"] * 10
    classifier = fit_classifier(clips, labels, ClassifierOptions(pooling=pooling))
    extractors = [load_extractor("mfcc", hop_s=hop) for hop in hops]
    embedded = [
        Embeddings(made_clip(0, n, rng), np.linspace(0, (n - 1) * extractor.hop_s, n))
        for n, extractor in zip([round(75 / hop) for hop in hops], extractors, strict=True)
    ]

    steps = follow(classifier, extractors, embedded, rng)

    centres = [frame_centres(*pair) for pair in zip(extractors, embedded, strict=True)]
    slices = [context_slices(times, steps.centres, CONTEXT_S) for times in centres]
    stretches = [
        [
            embeddings.frames[a[i] : b[i]]
            for embeddings, (a, b) in zip(embedded, slices, strict=True)
        ]
        for i in range(len(steps.centres))
    ]
    expected = classifier.scores(stretches)
    assert len(steps.centres) == min(len(embeddings.frames) for embeddings in embedded)
    np.testing.assert_allclose(steps.scores, expected, atol=1e-5)

    around = fit_label_distances(clips, labels)
    near = np.quantile(around.scores(stretches), [0.2, 0.4, 0.6, 0.8])
    classifier = replace(classifier, rejection=Rejection(around, np.zeros(1), near, 0.51))
    steps = follow(classifier, extractors, embedded, rng)
    rejected = classifier.rejects(stretches, expected)
    assert 0 < rejected.sum() < len(rejected)
    expected[rejected] = 0
    np.testing.assert_allclose(steps.scores, expected, atol=1e-5)


def test_frames_are_in_the_middle_of_what_they_heard() -> None:
    embedded = Embeddings(np.zeros((3, 1), np.float32), np.arange(3.0))

    middles = {
        name: frame_centres(load_extractor(name), embedded).tolist() for name in ("mfcc", "openl3")
    }

    assert middles["openl3"] == [0, 1, 2]  # its times are middles
    assert middles["mfcc"] == pytest.approx([0.5, 1.5, 2.5], abs=0.03)
