from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiotl_cli.classify.pooling import pool
from audiotl_cli.prediction.timeline import (
    Event,
    EventOptions,
    choose_context,
    context_slices,
    find_events,
    pool_slices,
    smooth,
    step_edges,
)

LABELS = ["bird", "car", "rain"]
seeds = st.integers(0, 2**32 - 1)


@st.composite
def score_tables(draw: st.DrawFn) -> npt.NDArray[np.float64]:
    rng = np.random.default_rng(draw(seeds))
    return rng.dirichlet([0.3] * len(LABELS), draw(st.integers(1, 60)))


@given(seeds, st.integers(1, 50), st.sampled_from(["mean", "mean+std", "mean+max"]))
def test_sliding_pooling_is_pooling_of_slices(seed: int, n_frames: int, pooling: str) -> None:
    rng = np.random.default_rng(seed)
    frames = rng.normal(rng.uniform(-9, 9), rng.uniform(0, 5), (n_frames, 3)).astype(np.float32)
    starts = rng.integers(0, n_frames, 20)
    stops = rng.integers(starts, n_frames) + 1

    rows = pool_slices(frames, starts, stops, pooling)

    expected = [pool(frames[a:b], pooling)[0] for a, b in zip(starts, stops, strict=True)]
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, expected, atol=1e-5)


@given(seeds, st.integers(1, 40), st.integers(1, 40), st.floats(0.01, 20))
def test_a_context_is_what_lies_within_it(
    seed: int, n_frames: int, n_steps: int, context_s: float
) -> None:
    rng = np.random.default_rng(seed)
    frames, steps = np.sort(rng.uniform(0, 30, n_frames)), np.sort(rng.uniform(0, 30, n_steps))

    starts, stops = context_slices(frames, steps, context_s)

    for step, start, stop in zip(steps, starts, stops, strict=True):
        assert 0 <= start < stop <= n_frames
        inside = np.flatnonzero(np.abs(frames - step) <= context_s / 2)
        if len(inside):
            assert (start, stop) == (inside[0], inside[-1] + 1)
        else:
            assert np.abs(frames - step).min() == np.abs(frames[start:stop] - step).min()


@given(score_tables(), st.floats(0.05, 1), st.floats(0, 9), st.booleans())
def test_events_are_sorted_disjoint_and_long_enough(
    scores: npt.NDArray[np.float64], threshold: float, min_s: float, several: bool
) -> None:
    edges = np.asarray(np.arange(len(scores) + 1) * 0.7, np.float64)

    events = find_events(scores, edges, LABELS, EventOptions(threshold, min_s), several=several)

    assert [event.start_s for event in events] == sorted(event.start_s for event in events)
    for event in events:
        assert event.end_s - event.start_s >= min(min_s, edges[-1]) - 1e-6
        assert 0 <= event.start_s < event.end_s <= edges[-1]
        assert 0 <= event.score <= 1
    for label in LABELS:
        same = [event for event in events if event.label == label]
        for one, following in pairwise(same):
            assert following.start_s - one.end_s >= min(min_s, edges[-1]) - 1e-6


@given(score_tables(), st.integers(1, 20))
def test_events_move_with_the_sound(scores: npt.NDArray[np.float64], n_before: int) -> None:
    options = EventOptions(min_s=1.0)
    silence = np.zeros((n_before, len(LABELS)))
    later = np.concatenate([silence, scores])

    found = find_events(scores, np.arange(len(scores) + 1.0), LABELS, options)
    moved = find_events(later, np.arange(len(later) + 1.0), LABELS, options)

    back = [(e.start_s - n_before, e.end_s - n_before, e.label) for e in moved]
    assert back == [(e.start_s, e.end_s, e.label) for e in found]


def test_short_gaps_are_closed_and_short_events_left_out() -> None:
    heard = np.array([1, 1, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1], float)
    scores = np.stack([heard, 0 * heard], axis=1)

    events = find_events(scores, np.arange(15.0), ["a", "b"], EventOptions(min_s=2.0))

    assert events == [Event(0.0, 5.0, "a", 0.8), Event(12.0, 14.0, "a", 1.0)]


def test_only_the_likeliest_is_heard_unless_there_may_be_several() -> None:
    scores = np.full((4, 2), [0.6, 0.9])

    def labels(several: bool) -> list[str]:
        events = find_events(scores, np.arange(5.0), ["a", "b"], EventOptions(), several=several)
        return [event.label for event in events]

    assert labels(several=False) == ["b"]
    assert labels(several=True) == ["a", "b"]


def test_a_recording_shorter_than_any_event_may_be_one() -> None:
    events = find_events(np.ones((1, 1)), np.array([0, 0.3]), ["a"], EventOptions(min_s=2.0))

    assert events == [Event(0.0, 0.3, "a", 1.0)]


@given(seeds, st.integers(1, 30))
@settings(max_examples=30)
def test_a_median_takes_out_one_odd_step(seed: int, n_steps: int) -> None:
    scores = np.full((n_steps + 4, 2), 0.25)
    scores[2 + seed % n_steps] = 1.0

    np.testing.assert_array_equal(smooth(scores), 0.25)


@given(seeds, st.integers(1, 30), st.floats(0.1, 40))
def test_steps_cover_the_recording(seed: int, n_steps: int, duration_s: float) -> None:
    centres = np.sort(np.random.default_rng(seed).uniform(0, 45, n_steps))

    edges = step_edges(centres, duration_s)

    assert (edges[0], edges[-1], len(edges)) == (0, duration_s, n_steps + 1)
    assert (np.diff(edges) >= 0).all()


def test_the_context_has_neighbours() -> None:
    assert choose_context(0.96, 0.48) == pytest.approx(0.96)
    assert choose_context(1.0, 1.0) == 2.0
