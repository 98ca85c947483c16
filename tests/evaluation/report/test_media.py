from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest

from audiotl_cli.audio.types import AudioSource
from audiotl_cli.evaluation.report.media import (
    MOST_S,
    RATE,
    excerpts,
    frequency_ticks,
    picture,
    sound,
)


def _bytes(uri: str) -> io.BytesIO:
    return io.BytesIO(base64.b64decode(uri.split(",")[1]))


@pytest.mark.parametrize(("rate", "n"), [(22_050, 44_100), (1_000, 3), (192_000, 192_000)])
def test_a_tone_is_a_line_at_its_height(rate: int, n: int) -> None:
    from matplotlib.image import imread

    tone = np.sin(2 * np.pi * rate / 8 * np.arange(n) / rate).astype(np.float32)

    pixels = imread(_bytes(picture(tone, rate)))

    assert pixels.shape[0] == 56
    assert 1 <= pixels.shape[1] <= 160
    if n > 1000:
        brightest = pixels[..., 1].mean(axis=1).argmax()
        assert 3 < brightest < 35  # a quarter of the band, on a mel scale; the top is row 0


def test_silence_is_dark() -> None:
    from matplotlib.image import imread

    assert imread(_bytes(picture(np.zeros(8000, np.float32), 8000)))[..., 0].max() < 0.1


@pytest.mark.parametrize("formats", [{"MP3": ""}, {}])
def test_sound_can_be_read_again(formats: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    import soundfile

    if formats and "MP3" not in soundfile.available_formats():
        pytest.skip("libsndfile without MP3")
    monkeypatch.setattr(soundfile, "available_formats", lambda: formats)
    tone = (0.5 * np.sin(np.arange(RATE) / 10)).astype(np.float32)

    uri = sound(tone)

    assert uri.startswith("data:audio/mpeg" if formats else "data:audio/wav")
    samples, rate = soundfile.read(_bytes(uri))
    assert rate == RATE
    assert len(samples) == pytest.approx(RATE, rel=0.1)
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.1)
    assert sound(tone) == uri


def test_excerpts_are_the_beginnings_of_clips(tmp_path: Path) -> None:
    import soundfile

    path = tmp_path / "long.wav"
    soundfile.write(path, np.zeros(8000 * 15), 8000)

    long, none, short = excerpts(
        [AudioSource(path), AudioSource(tmp_path / "none.wav"), AudioSource(path, 14.0, 14.5)], 2
    )

    samples, _ = soundfile.read(_bytes(long.audio))
    assert len(samples) == pytest.approx(MOST_S * RATE, rel=0.05)
    assert none.problem == "no such file"
    assert short.picture
    assert not short.audio


def test_a_tone_lies_where_its_frequency_is_written() -> None:
    from matplotlib.image import imread

    for khz, height in frequency_ticks(32_000):
        tone = np.sin(2 * np.pi * 1000 * khz * np.arange(32_000) / 32_000).astype(np.float32)
        rows = imread(_bytes(picture(tone, 32_000)))[..., 1].mean(axis=1)
        assert 1 - (rows.argmax() + 0.5) / len(rows) == pytest.approx(height, abs=1 / 56)
