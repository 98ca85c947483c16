from __future__ import annotations

import numpy as np
import pytest

from audiotl_cli.classifiers.event_settings import EventSettings
from audiotl_cli.inference.event_decoder import EventDecoder
from audiotl_cli.inference.events import Event, EventOptions

LABELS = ["background", "frog", "owl"]
HOP_S = 0.5
USUAL = EventOptions()


def decode(
    scores: np.ndarray,
    options: EventOptions = USUAL,
    *,
    bounds: tuple[int, ...] = (),
    several: bool = False,
) -> list[Event]:
    settings = EventSettings("" if several else "background", HOP_S, weight=1.0, switch_cost=2.0)
    labels = LABELS[1:] if several else LABELS
    decoder = EventDecoder(labels, settings, options, several=several)
    centres = (np.arange(len(scores)) + 0.5) * HOP_S
    found = []
    for part, where in zip(np.split(scores, bounds), np.split(centres, bounds), strict=True):
        found += decoder.add(where, part)
    return found + decoder.finish(len(scores) * HOP_S, np.empty(0), np.empty((0, len(labels))))


def frames(*runs: tuple[int, int]) -> np.ndarray:
    """Return scores of frames, 0.8 for one of the labels, for runs of (label, number)."""
    numbers = np.concatenate([np.full(n, label) for label, n in runs])
    return np.where(np.arange(3) == numbers[:, None], 0.8, 0.1)


def test_events_lie_where_their_frames_do() -> None:
    found = decode(frames((0, 6), (2, 4), (0, 6), (1, 3)))
    assert [event.to_dict() for event in found] == [
        {"start_s": 0.0, "end_s": 3.0, "label": "background", "score": 0.8},
        {"start_s": 3.0, "end_s": 5.0, "label": "owl", "score": 0.8},
        {"start_s": 5.0, "end_s": 8.0, "label": "background", "score": 0.8},
        {"start_s": 8.0, "end_s": 9.5, "label": "frog", "score": 0.8},
    ]


def test_a_single_frame_is_no_event() -> None:
    found = decode(frames((0, 6), (2, 1), (0, 6)))
    assert [event.label for event in found] == ["background"]


@pytest.mark.parametrize("several", [False, True])
def test_events_do_not_depend_on_the_bits(several: bool) -> None:
    rng = np.random.default_rng(0)
    scores = np.repeat(rng.dirichlet(np.full(3, 0.3), 60), 5, axis=0)[:, several:]
    whole = decode(scores, several=several)
    assert len(whole) > 5
    for bounds in ((1,), (100, 101, 250), tuple(range(1, 300))):
        found = decode(scores, several=several, bounds=bounds)
        assert sorted(found, key=str) == sorted(whole, key=str)


def test_labels_may_overlap() -> None:
    scores = np.full((20, 2), 0.1)
    scores[4:14, 0] = scores[8:18, 1] = 0.9
    found = decode(scores, several=True)
    assert {(event.label, event.start_s, event.end_s) for event in found} == {
        ("frog", 2.0, 7.0),
        ("owl", 4.0, 9.0),
    }


def test_weak_events_are_left_out_by_label() -> None:
    scores = frames((0, 6), (2, 4), (0, 6), (1, 4), (0, 6))
    options = EventOptions(thresholds={"owl": 0.9, "frog": 0.7})
    labels = {event.label for event in decode(scores, options)}
    assert labels == {"background", "frog"}


def test_a_recording_without_frames_has_no_events() -> None:
    assert decode(np.empty((0, 3))) == []
