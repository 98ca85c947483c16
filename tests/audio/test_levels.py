from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiotl_cli.audio.levels import LevelMeter, Levels
from audiotl_cli.audio.resample import resample_blocks

RATE = 16_000
Samples = npt.NDArray[np.float32]


def tone(hz: float, seconds: float, rate: int = RATE, level: float = 0.3) -> Samples:
    t = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def quiet(seconds: float, value: float = 0.0, rate: int = RATE) -> Samples:
    return np.full(round(seconds * rate), value, np.float32)


def measure(
    samples: Samples, rate: int = RATE, to_rate: int = RATE, cuts: Sequence[int] = ()
) -> Levels:
    meter = LevelMeter(to_rate)
    blocks = ((block, rate) for block in np.split(samples, cuts) if len(block))
    list(meter.after(resample_blocks(meter.before(blocks), to_rate, "soxr")))
    return meter.levels()


@pytest.mark.parametrize(
    ("samples", "silent"),
    [
        (quiet(2), True),
        (quiet(2, 0.3), True),
        (quiet(2, -1.0), True),
        (np.tile(np.array([0, 2**-15], np.float32), RATE), True),
        (np.tile(np.array([0, 2**-13], np.float32), RATE), False),
        (tone(440, 2, level=1e-4), False),
    ],
    ids=["zeros", "offset", "full offset", "one bit", "eight bits", "faint"],
)
def test_a_constant_and_the_last_bit_are_silent(samples: Samples, silent: bool) -> None:
    assert measure(samples).is_silent is silent


@pytest.mark.parametrize(
    ("hz", "noise", "beyond"), [(45_000, 1e-3, True), (6_500, 0, False), (300, 0, False)]
)
def test_what_resampling_takes_away_is_out_of_band(hz: float, noise: float, beyond: bool) -> None:
    rng = np.random.default_rng(0)
    samples = tone(hz, 1, 192_000) + rng.normal(0, noise, 192_000).astype(np.float32)

    assert measure(samples.astype(np.float32), 192_000).is_out_of_band is beyond


def test_nothing_is_out_of_band_without_resampling_or_when_upsampled() -> None:
    assert measure(tone(7_900, 1)).in_band == 1.0
    assert measure(tone(3_900, 1, 8_000), 8_000).in_band == 1.0
    assert not measure(quiet(1, 0.2, 44_100), 44_100).is_out_of_band


@pytest.mark.parametrize(
    ("mix", "cancels"),
    [
        ([1, -1], True),
        ([1, -0.99], True),
        ([1, -0.9], False),
        ([1, 0], False),
        ([1, *15 * [0]], False),
    ],
)
def test_channels_cancel_where_hardly_anything_is_left(mix: list[float], cancels: bool) -> None:
    meter = LevelMeter(RATE)
    block = np.outer(tone(440, 1), mix).astype(np.float32)

    meter.on_channels(block)
    list(meter.before([(block.mean(axis=1), RATE)]))

    assert meter.levels().cancels is cancels


@given(st.lists(st.integers(0, 7 * RATE), max_size=20).map(sorted))
def test_silences_do_not_depend_on_the_blocks(cuts: list[int]) -> None:
    samples = np.concatenate([quiet(1.5), tone(440, 1), quiet(0.5), tone(440, 1), quiet(2.03, 0.1)])

    levels = measure(samples, cuts=cuts)

    assert levels.silences == [(0.0, 1.5), (4.0, 6.03)]
    assert not levels.is_silent
    assert Levels.from_bytes(levels.to_bytes()) == levels


def test_silences_are_exact_at_rates_that_steps_do_not_divide() -> None:
    samples = np.concatenate([tone(440, 600, 11_025), quiet(2, rate=11_025)])

    ((start_s, end_s),) = measure(samples, 11_025).silences

    assert start_s == pytest.approx(600, abs=0.06)
    assert end_s == pytest.approx(602)
