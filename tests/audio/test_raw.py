from __future__ import annotations

import io
import os
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from audiotl_cli.audio.raw import ENCODINGS, RawFormat, decode_raw, read_raw
from audiotl_cli.errors import AudioError, UsageError

SUBTYPES = {"u8": "PCM_U8", "s16": "PCM_16", "s24": "PCM_24", "s32": "PCM_32", "f32": "FLOAT"}
SUBTYPES["f64"] = "DOUBLE"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_samples_are_what_libsndfile_makes_of_them(encoding: str) -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, (500, 2))
    endian = "BIG" if encoding.endswith("be") else "LITTLE"
    subtype = SUBTYPES[encoding.removesuffix("le").removesuffix("be")]
    written = io.BytesIO()
    how: dict[str, Any] = {"format": "RAW", "subtype": subtype, "endian": endian}
    soundfile.write(written, samples, 8000, **how)
    written.seek(0)
    expected, _ = soundfile.read(written, dtype="float32", samplerate=8000, channels=2, **how)

    found = decode_raw(written.getvalue(), RawFormat(8000, encoding, 2))

    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected.mean(axis=1), atol=1e-6)


class Trickle(io.RawIOBase):
    """A stream that gives parts of given lengths."""

    def __init__(self, parts: list[bytes]) -> None:
        self.parts = parts

    def read(self, n: int = -1) -> bytes:
        return self.parts.pop(0) if self.parts else b""


@given(st.binary(max_size=60), st.lists(st.integers(0, 60)), st.integers(1, 3))
def test_parts_of_any_length_make_the_same_samples(
    data: bytes, cuts: list[int], n_channels: int
) -> None:
    form = RawFormat(8000, "s16le", n_channels)
    bounds = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    parts = [data[a:b] for a, b in pairwise(bounds)]
    whole = data[: len(data) - len(data) % form.frame_bytes]
    if not whole:
        with pytest.raises(AudioError, match="no audio samples"):
            list(read_raw(Trickle(parts), form))  # type: ignore[arg-type]
        return

    blocks = list(read_raw(Trickle(parts), form))  # type: ignore[arg-type]

    np.testing.assert_array_equal(np.concatenate(blocks), decode_raw(whole, form))


def test_what_is_in_a_pipe_is_a_block() -> None:
    source, sink = os.pipe()
    with os.fdopen(source, "rb", 0) as file, os.fdopen(sink, "wb", 0) as writer:
        blocks = read_raw(file, RawFormat(8000))
        writer.write(b"\0\0" * 100)
        assert len(next(blocks)) == 100
        writer.write(b"\0\0" * 7)
        assert len(next(blocks)) == 7


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((16_000, "mp3"), "unknown format of samples 'mp3'"),
        ((5,), "a sample rate of 5 Hz"),
        ((16_000, "u8", 0), "0 channels"),
    ],
)
def test_what_no_sound_has_is_refused(args: tuple[int, str, int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RawFormat(*args)


def test_samples_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(AudioError, match="not finite"):
        decode_raw(np.array([0, np.nan], "<f4").tobytes(), RawFormat(8000, "f32le"))
