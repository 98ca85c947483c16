from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from audiotl_cli.inference.events import Event, EventFinder, EventOptions, in_order

Table = npt.NDArray[np.float64]

LABELS = ["bird", "car", "rain"]
seeds = st.integers(0, 2**32 - 1)


@st.composite
def score_tables(draw: st.DrawFn) -> npt.NDArray[np.float64]:
    rng = np.random.default_rng(draw(seeds))
    return rng.dirichlet([0.3] * len(LABELS), draw(st.integers(1, 60)))


def find(
    scores: Table,
    options: EventOptions,
    *,
    labels: Sequence[str] = LABELS,
    step_s: float = 1.0,
    duration_s: float | None = None,
    cuts: Sequence[int] = (),
    several: bool = False,
) -> list[Event]:
    """Find events in scores that come in the parts between `cuts`."""
    centres = np.asarray((np.arange(len(scores)) + 0.5) * step_s, np.float64)
    finder = EventFinder(labels, options, step_s, several=several)
    bounds = [0, *sorted(cuts), len(scores)]
    found = []
    for a, b in pairwise(bounds[:-1]):
        found += finder.add(centres[a:b], scores[a:b])
    a = bounds[-2]
    length = len(scores) * step_s if duration_s is None else duration_s
    return in_order(found + finder.finish(length, centres[a:], scores[a:]))


def find_at_once(
    scores: Table, options: EventOptions, step_s: float, duration_s: float, *, several: bool
) -> list[Event]:
    """Find events as one who has heard everything."""
    centres = (np.arange(len(scores)) + 0.5) * step_s
    between = np.clip((centres[:-1] + centres[1:]) / 2, 0, duration_s)
    edges = np.concatenate([[0.0], between, [duration_s]])
    padded = np.pad(scores, ((1, 1), (0, 0)), mode="edge")
    scores = np.median(np.lib.stride_tricks.sliding_window_view(padded, 3, 0), axis=-1)
    heard = scores >= options.of("")
    if not several:
        heard &= scores.argmax(axis=1)[:, None] == np.arange(len(LABELS))
    min_s = 2 * step_s if options.min_s is None else options.min_s
    min_s = min(min_s, duration_s) - 1e-9
    events = []
    for i, label in enumerate(LABELS):
        change = np.diff(heard[:, i].astype(np.int8), prepend=0, append=0)
        starts, stops = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
        if len(starts) == 0:
            continue
        parted = edges[starts[1:]] - edges[stops[:-1]] >= min_s
        starts, stops = starts[np.append(True, parted)], stops[np.append(parted, True)]
        for start, stop in zip(starts, stops, strict=True):
            if edges[stop] - edges[start] >= min_s:
                score = float(scores[start:stop, i].mean())
                events.append(Event(float(edges[start]), float(edges[stop]), label, score))
    return in_order(events)


@given(
    score_tables(),
    st.floats(0.05, 1),
    st.sampled_from([None, 0.3, 1.0, 4.0]),
    st.booleans(),
    st.lists(st.integers(0, 60)),
    st.floats(-0.4, 2.0),
)
def test_bit_by_bit_is_all_at_once(
    scores: Table,
    threshold: float,
    min_s: float | None,
    several: bool,
    cuts: list[int],
    beyond: float,
) -> None:
    options = EventOptions(threshold, min_s)
    cuts = [cut for cut in cuts if cut < len(scores)]
    duration_s = max(0.1, (len(scores) + beyond) * 0.5)

    found = find(scores, options, step_s=0.5, duration_s=duration_s, cuts=cuts, several=several)

    expected = find_at_once(scores, options, 0.5, duration_s, several=several)
    assert [(e.start_s, e.end_s, e.label) for e in found] == [
        (e.start_s, e.end_s, e.label) for e in expected
    ]
    np.testing.assert_allclose([e.score for e in found], [e.score for e in expected])


@given(score_tables(), st.floats(0.05, 1), st.floats(0, 9), st.booleans())
def test_events_are_disjoint_and_long_enough(
    scores: Table, threshold: float, min_s: float, several: bool
) -> None:
    end_s = 0.7 * len(scores)

    events = find(scores, EventOptions(threshold, min_s), step_s=0.7, several=several)

    for event in events:
        assert event.end_s - event.start_s >= min(min_s, end_s) - 1e-6
        assert 0 <= event.start_s < event.end_s <= end_s + 1e-9
        assert 0 <= event.score <= 1
    for label in LABELS:
        same = [event for event in events if event.label == label]
        for earlier, following in pairwise(same):
            assert following.start_s - earlier.end_s >= min(min_s, end_s) - 1e-6


@given(score_tables(), st.integers(1, 20))
def test_events_move_with_the_sound(scores: Table, n_before: int) -> None:
    options = EventOptions(min_s=1.0)
    silence = np.zeros((n_before, len(LABELS)))
    before = np.concatenate([[scores[0] * 0], scores])

    found = find(before, options)
    moved = find(np.concatenate([silence, before]), options)

    back = [(e.start_s - n_before, e.end_s - n_before, e.label) for e in moved]
    assert back == [(e.start_s, e.end_s, e.label) for e in found]


def test_an_event_is_told_when_it_is_over() -> None:
    heard = np.array([0, 1, 1, 1, 0, 0, 0, 0, 0], float)
    finder = EventFinder(["a"], EventOptions(), 1.0)

    told = [finder.add(np.array([i + 0.5]), heard[i : i + 1, None]) for i in range(len(heard))]

    assert [len(events) for events in told] == [0, 0, 0, 0, 0, 0, 1, 0, 0]
    assert told[6] == [Event(1.0, 4.0, "a", 1.0)]


def test_short_gaps_are_closed_and_short_events_left_out() -> None:
    heard = np.repeat(np.array([1, 1, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1], float), 3)
    scores = np.stack([heard, 0 * heard], axis=1)

    events = find(scores, EventOptions(min_s=2.0), labels=["a", "b"], step_s=1 / 3)

    spans = [(round(e.start_s, 6), round(e.end_s, 6), e.label) for e in events]
    assert spans == [(0.0, 5.0, "a"), (12.0, 14.0, "a")]
    assert [round(e.score, 6) for e in events] == [0.8, 1.0]


def test_only_the_likeliest_is_heard_unless_there_may_be_several() -> None:
    scores = np.full((4, 2), [0.6, 0.9])

    def labels(several: bool) -> list[str]:
        events = find(scores, EventOptions(), labels=["a", "b"], several=several)
        return [event.label for event in events]

    assert labels(several=False) == ["b"]
    assert labels(several=True) == ["a", "b"]


def test_a_recording_shorter_than_any_event_may_be_one() -> None:
    events = find(np.ones((1, 1)), EventOptions(min_s=2.0), labels=["a"], duration_s=0.3)

    assert events == [Event(0.0, 0.3, "a", 1.0)]


@given(seeds, st.integers(1, 30))
def test_one_odd_step_is_no_event(seed: int, n_steps: int) -> None:
    scores = np.full((n_steps + 4, len(LABELS)), 0.25)
    scores[2 + seed % n_steps] = 1.0

    assert find(scores, EventOptions(min_s=0.0), several=True) == []
