from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiotl_cli.audio.framing import Framing, segments
from audiotl_cli.audio.types import Waveform

framings = st.builds(
    Framing,
    window=st.integers(1, 40),
    hop=st.integers(1, 60),
    pad_start=st.integers(0, 25),
    pad_end=st.integers(0, 25),
    tail=st.sampled_from(["drop", "pad"]),
    short=st.sampled_from(["zeros", "repeat"]),
)


def naive_windows(waveform: list[float], framing: Framing) -> list[list[float]]:
    """Cut the windows one by one from the whole padded waveform, by the definition."""
    before, after = [0.0] * framing.pad_start, [0.0] * framing.pad_end
    padded = before + waveform + after
    if len(padded) < framing.window and framing.short == "repeat":
        room = framing.window - len(before) - len(after)
        padded = before + [waveform[i % len(waveform)] for i in range(room)] + after
    windows = []
    start = 0
    while True:
        window = padded[start : start + framing.window]
        covered = start + framing.window - framing.hop  # up to here by the window before
        nothing_left = framing.tail == "drop" or covered >= len(padded) or not window
        if start > 0 and len(window) < framing.window and nothing_left:
            break
        windows.append(window + [0.0] * (framing.window - len(window)))
        start += framing.hop
    return windows


def in_blocks(waveform: Waveform, sizes: list[int]) -> Iterator[Waveform]:
    first = turn = 0
    while first < len(waveform):
        size = sizes[turn % len(sizes)]
        yield waveform[first : first + size]
        first, turn = first + size, turn + 1


@settings(max_examples=250, deadline=None)
@given(
    framing=framings,
    n_samples=st.integers(1, 300),
    sizes=st.lists(st.integers(0, 80), min_size=1, max_size=4).filter(any),
    max_windows=st.integers(1, 7),
    eager=st.booleans(),
)
def test_segments_hold_exactly_the_windows_of_the_padded_waveform(
    framing: Framing, n_samples: int, sizes: list[int], max_windows: int, eager: bool
) -> None:
    waveform = np.arange(1, n_samples + 1, dtype=np.float32)
    blocks = in_blocks(waveform, sizes)
    cut = list(segments(blocks, framing, max_windows=max_windows, eager=eager))
    windows = []
    counts = []
    for segment in cut:
        n, rest = divmod(len(segment) - framing.window, framing.hop)
        assert rest == 0
        counts.append(n + 1)
        for i in range(n + 1):
            start = i * framing.hop
            windows.append(segment[start : start + framing.window].tolist())
    assert windows == naive_windows(waveform.tolist(), framing)
    assert len(windows) == framing.n_windows(n_samples)
    assert all(count == max_windows for count in counts[:-1]) or eager
    assert all(1 <= count <= max_windows for count in counts)


@pytest.mark.parametrize(
    ("tail", "expected"),
    [("drop", [1, 1, 1, 1, 1, 2, 2, 3, 3]), ("pad", [1, 1, 1, 1, 2, 2, 3, 3, 4])],
)
def test_number_of_windows(tail: Literal["drop", "pad"], expected: list[int]) -> None:
    framing = Framing(window=4, hop=2, tail=tail)
    assert [framing.n_windows(n_samples) for n_samples in range(1, 10)] == expected


def test_short_waveform_is_filled_with_zeros_or_itself() -> None:
    waveform = np.array([1, 2, 3], np.float32)
    zeros = Framing(window=8, hop=8, pad_start=1)
    repeat = Framing(window=8, hop=8, pad_start=1, short="repeat")
    assert next(segments([waveform], zeros, max_windows=4)).tolist() == [0, 1, 2, 3, 0, 0, 0, 0]
    assert next(segments([waveform], repeat, max_windows=4)).tolist() == [0, 1, 2, 3, 1, 2, 3, 1]


def test_last_window_is_dropped_or_padded() -> None:
    waveform = np.arange(1, 8, dtype=np.float32)
    drop = list(segments([waveform], Framing(4, 4), max_windows=1))
    pad = list(segments([waveform], Framing(4, 4, tail="pad"), max_windows=1))
    assert [part.tolist() for part in drop] == [[1, 2, 3, 4]]
    assert [part.tolist() for part in pad] == [[1, 2, 3, 4], [5, 6, 7, 0]]


def test_segments_are_handed_out_as_soon_as_they_are_whole() -> None:
    taken = 0

    def blocks() -> Iterator[Waveform]:
        nonlocal taken
        for _ in range(1000):
            taken += 1
            yield np.zeros(100, np.float32)

    stream = segments(blocks(), Framing(window=100, hop=100), max_windows=4)
    next(stream)
    assert taken == 4
    next(stream)
    assert taken == 8
