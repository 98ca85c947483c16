from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiotl_cli.audio.fingerprint import HEARD, FingerprintStream, Words
from audiotl_cli.audio.resample import resample
from audiotl_cli.audio.types import Waveform
from audiotl_cli.dataset.duplicates.near_duplicates import find_near_duplicates
from tests.faults import RATE, scene


def fingerprint(sound: object, rate: int = RATE) -> Words:
    stream = FingerprintStream(rate)
    stream.add(np.asarray(sound, np.float32))
    return stream.words()


def pairs(*fingerprints: Words) -> list[tuple[int, int]]:
    return [(near.first, near.second) for near in find_near_duplicates(fingerprints)]


@pytest.fixture(scope="module")
def others() -> list[Words]:
    """Return fingerprints of forty other sounds."""
    return [fingerprint(scene(seed)) for seed in range(1000, 1040)]


SOUND = scene(1, 2.0)
QUIET, LATER = 0.03 * SOUND, np.concatenate([np.zeros(round(0.005 * RATE)), SOUND])


@pytest.mark.parametrize(
    "changed",
    [QUIET, -SOUND, LATER, SOUND[round(0.008 * RATE) :], SOUND[RATE // 3 : -RATE // 3]],
    ids=["quiet", "upside down", "5 ms later", "8 ms cut", "a third"],
)
def test_what_was_done_to_a_sound_does_not_hide_it(changed: Waveform, others: list[Words]) -> None:
    (near,) = find_near_duplicates(
        [*others[:20], fingerprint(SOUND), *others[20:], fingerprint(changed)]
    )
    assert (near.first, near.second) == (20, 41)
    assert near.error < 0.15


@pytest.mark.parametrize("ending", ["ogg", "mp3"])
def test_a_sound_encoded_again_is_found(tmp_path: Path, others: list[Words], ending: str) -> None:
    path = tmp_path / f"x.{ending}"
    soundfile.write(path, SOUND[1000:], RATE, compression_level=0.8)
    again, _ = soundfile.read(path)
    assert pairs(*others, fingerprint(SOUND), fingerprint(again)) == [(40, 41)]


def test_a_sound_at_another_rate_is_found(others: list[Words]) -> None:
    slow = resample(SOUND.astype(np.float32), RATE, 11_025, "soxr")
    assert pairs(*others, fingerprint(SOUND), fingerprint(slow, 11_025)) == [(40, 41)]


def test_a_sound_is_found_within_a_longer_one_and_silence_does_not_count() -> None:
    silence = np.zeros(RATE)
    longer = np.concatenate([silence, scene(7), silence, SOUND, scene(8)])
    (near,) = find_near_duplicates([fingerprint(longer), fingerprint(SOUND)])
    assert 0.3 < near.covered < 0.5


def test_less_than_half_of_the_shorter_one_is_not_enough() -> None:
    part = SOUND[: round(0.8 * RATE)]
    joined = np.concatenate([part, scene(9, 1.4)])
    assert pairs(fingerprint(SOUND), fingerprint(joined)) == []


def test_silence_and_very_short_sounds_are_alike_in_nothing() -> None:
    silence, click = fingerprint(np.zeros(RATE)), fingerprint(SOUND[: RATE // 3])
    assert pairs(silence, silence, click, click, fingerprint(np.zeros(0))) == []


def test_a_large_family_hangs_together() -> None:
    copies = [fingerprint(SOUND[50 * i :]) for i in range(30)]
    found = pairs(*copies)
    joined = {0}
    for _ in range(30):
        joined |= {i for pair in found if joined & set(pair) for i in pair}
    assert joined == set(range(30))


def test_blocks_of_any_length_give_the_same_words() -> None:
    whole, stream = fingerprint(SOUND), FingerprintStream(RATE)
    cuts = np.random.default_rng(0).integers(0, len(SOUND), 30)
    for part in np.split(SOUND.astype(np.float32), np.sort(cuts)):
        stream.add(part)
    assert np.array_equal(stream.words(), whole)


def test_of_long_recordings_only_the_beginning_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fingerprint(SOUND)
    monkeypatch.setattr("audiotl_cli.audio.fingerprint.LONGEST_S", 1.0)
    start = fingerprint(SOUND)
    assert len(start) == 1 + (8000 - 1024) // 128 - 8
    heard = (start & whole[: len(start)] & HEARD) > 0
    assert np.array_equal(start[heard], whole[: len(start)][heard])


def test_how_many_words_are_sorted_at_once_makes_no_difference(
    others: list[Words], monkeypatch: pytest.MonkeyPatch
) -> None:
    fingerprints = [*others, *(fingerprint(SOUND[400 * i :]) for i in range(8))]
    whole = find_near_duplicates(fingerprints)
    monkeypatch.setattr("audiotl_cli.dataset.duplicates.near_duplicates.WORDS_AT_ONCE", 100)
    assert find_near_duplicates(fingerprints) == whole
    assert len(whole) > 8
