"""What libsndfile does not read: phones, videos, Windows Media, ..."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import soxr

from audiotl_cli.audio.decode import probe, read, read_blocks
from audiotl_cli.audio.isolated import Decoders
from audiotl_cli.audio.measure import measure
from audiotl_cli.audio.types import AudioSource, Waveform
from audiotl_cli.errors import AudioError
from tests.sounds import add_pictures, encode, noise, sine, write_wav

RATE = 44_100


def sweep(rate: int = RATE, n_samples: int | None = None) -> Waveform:
    """Return a sound that is like itself at no other time."""
    at_s = np.arange(n_samples or 2 * rate + 777) / rate
    sound = 0.4 * np.sin(2 * np.pi * (200 * at_s + 400 * at_s**2))
    return sound.astype(np.float32)


def likeness(samples: Waveform, written: Waveform, *, delay: int = 0) -> float:
    """Return the correlation with what was written, `delay` samples later."""
    samples, written = samples[max(0, delay) :], written[max(0, -delay) :]
    n = min(len(samples), len(written))
    return float(np.corrcoef(samples[:n], written[:n])[0, 1])


def outcome(path: Path) -> int | str:
    """Return how many samples a file has, or the code of its error."""
    try:
        return len(read(AudioSource(path))[0])
    except AudioError as error:
        return error.code


@pytest.mark.parametrize(
    ("name", "codec", "rate", "form", "delay"),
    [
        ("x.m4a", "aac", RATE, "mp4", 0),
        ("x.m4a", "aac", 16_000, "ipod", 0),
        ("x.m4b", "aac", RATE, "mp4", 0),
        ("x.mp4", "libmp3lame", RATE, "mp4", 0),
        ("x.mov", "aac", 48_000, "mov", 0),
        ("x.3gp", "aac", RATE, "3gp", 0),
        ("x.mka", "libopus", 48_000, "matroska", 0),
        ("x.webm", "libopus", 48_000, "webm", 0),
        ("x.mkv", "aac", RATE, "matroska", 0),
        ("x.caf", "adpcm_ima_qt", RATE, "caf", 0),
        # these hold no word of what their encoder put before the first sample
        ("x.aac", "aac", RATE, "adts", 1024),
        ("x.wma", "wmav2", RATE, "asf", -2048),
        ("x.avi", "mp2", RATE, "avi", 481),
        ("x.mp2", "mp2", RATE, "mp2", 481),
        ("x.ac3", "ac3", 48_000, "ac3", 256),
        ("x.m2ts", "aac", RATE, "mpegts", 1024),
    ],
)
def test_lossy_sound_is_as_long_and_where_it_was(
    tmp_path: Path, name: str, codec: str, rate: int, form: str, delay: int
) -> None:
    written = sweep(rate)
    path = encode(tmp_path / name, written, rate, codec, format=form)
    samples, read_rate = read(AudioSource(path))
    assert read_rate == rate
    assert samples.dtype == np.float32
    assert likeness(samples, written, delay=delay) > 0.99
    assert abs(len(samples) - delay - len(written)) <= 2048  # the largest of these blocks
    info, found = probe(path), measure(AudioSource(path))
    assert (info.sample_rate, info.n_channels) == (rate, 1)
    assert np.isnan(info.duration_s) or abs(info.duration_s - found.duration_s) < 0.1
    assert (found.n_samples, found.cut_short, found.broken) == (len(samples), False, "")


@pytest.mark.parametrize(
    ("name", "codec", "form"),
    [
        ("x.m4a", "alac", "ipod"),
        ("x.caf", "alac", "caf"),
        ("x.mov", "pcm_s16le", "mov"),
        ("x.mov", "pcm_f32le", "mov"),
        ("x.mkv", "flac", "matroska"),
        ("x.avi", "pcm_u8", "avi"),
        ("x.wv", "wavpack", "wv"),
        ("x.tta", "tta", "tta"),
    ],
)
def test_lossless_sound_comes_back(tmp_path: Path, name: str, codec: str, form: str) -> None:
    written = np.stack([sweep(), noise(len(sweep()), seed=3)], axis=1)
    path = encode(tmp_path / name, written, RATE, codec, format=form)
    samples, _ = read(AudioSource(path))
    step = 1 / 128 if codec == "pcm_u8" else 1 / 32768
    np.testing.assert_allclose(samples, written.mean(axis=1), rtol=0, atol=step)
    assert probe(path).n_channels == 2


@pytest.mark.parametrize(("form", "delay"), [("amr", 40), ("3gp", -10)])
def test_phone_calls(tmp_path: Path, form: str, delay: int) -> None:
    written = sweep(8000)
    path = encode(tmp_path / f"x.{form}", written, 8000, "libopencore_amrnb", format=form)
    samples, rate = read(AudioSource(path))
    assert rate == 8000
    assert abs(len(samples) - len(written)) <= 320
    assert likeness(samples, written, delay=delay) > 0.85


def test_the_length_of_an_m4a_is_that_of_its_container(tmp_path: Path) -> None:
    for n_samples in (1023, 1024, 44_100, 50_000):
        path = encode(tmp_path / "x.m4a", noise(n_samples), RATE, "aac")
        with av.open(str(path)) as file:
            stated = file.streams.audio[0].duration
        assert len(read(AudioSource(path))[0]) == stated
        assert abs(stated - n_samples) <= RATE / 1000  # the index of an MP4 counts milliseconds


@pytest.mark.parametrize(
    ("start_s", "end_s"), [(None, 0.5), (0.25, None), (0.25, 0.75), (1.5, 1.5001), (1.9, 9.0)]
)
@pytest.mark.parametrize(
    ("name", "codec"),
    [("x.m4a", "aac"), ("x.m4a", "alac"), ("x.mka", "libopus"), ("x.wma", "wmav2")],
)
def test_a_stretch_is_that_part_of_the_whole(
    tmp_path: Path, name: str, codec: str, start_s: float | None, end_s: float | None
) -> None:
    path = encode(tmp_path / name, sweep(48_000), 48_000, codec)
    whole, _ = read(AudioSource(path))
    part, _ = read(AudioSource(path, start_s, end_s))
    first = round((start_s or 0) * 48_000)
    last = len(whole) if end_s is None else round(end_s * 48_000)
    np.testing.assert_array_equal(part, whole[first:last])


def test_the_sound_of_a_video_is_read_and_a_silent_video_is_empty(tmp_path: Path) -> None:
    written = sweep()
    path = encode(tmp_path / "x.mp4", written, RATE, "aac", picture="mpeg4")
    assert likeness(read(AudioSource(path))[0], written) > 0.99
    with av.open(str(path), "w") as file:
        add_pictures(file, "mpeg4")()
    with pytest.raises(AudioError, match="holds no sound track") as caught:
        read(AudioSource(path))
    assert (caught.value.code, caught.value.stage) == ("empty", "open")


@pytest.mark.parametrize("name", ["called.wav", "called.mp3", "called.flac", "called.m4a"])
def test_what_a_file_holds_decides_not_its_name(tmp_path: Path, name: str) -> None:
    written = sweep()
    for codec, form in (("aac", "mp4"), ("libmp3lame", "mp3"), ("pcm_s16le", "wav")):
        path = encode(tmp_path / name, written, RATE, codec, format=form)
        assert likeness(read(AudioSource(path))[0], written) > 0.99


def test_pictures_beside_the_sound_do_not_matter(tmp_path: Path) -> None:
    path = encode(tmp_path / "x.mkv", sweep(), RATE, "aac", picture="mjpeg")
    assert likeness(read(AudioSource(path))[0], sweep()) > 0.99


FORMS = [
    ("x.m4a", "aac"), ("x.m4a", "alac"), ("x.caf", "adpcm_ima_qt"), ("x.wma", "wmav2"),
    ("x.webm", "libopus"), ("x.aac", "aac"), ("x.wv", "wavpack"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "codec"), FORMS)
def test_damage_is_an_error_of_the_recording(tmp_path: Path, name: str, codec: str) -> None:
    rate = 48_000 if codec == "libopus" else RATE
    content = encode(tmp_path / name, sweep(rate), rate, codec).read_bytes()
    rng, path = np.random.default_rng(1), tmp_path / name
    for places in (rng.integers(0, 200, (10, 3)), rng.integers(0, len(content), (10, 3))):
        for at in places:
            damaged = bytearray(content)
            for place in at:
                damaged[place] = rng.integers(256)
            path.write_bytes(damaged)
            assert outcome(path) in (
                "unreadable",
                "empty",
                "cut_short",
                "bad_rate",
                "not_finite",
            ) or (isinstance(outcome(path), int))


@pytest.mark.parametrize(("name", "codec"), FORMS)
def test_a_file_that_was_cut_gives_its_beginning_and_says_so(
    tmp_path: Path, name: str, codec: str
) -> None:
    rate = 48_000 if codec == "libopus" else RATE
    path = encode(tmp_path / name, sweep(rate), rate, codec)
    whole, _ = read(AudioSource(path))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    if name == "x.m4a":  # the list of its samples is at the end
        with pytest.raises(AudioError, match="ends before the index of its samples") as caught:
            measure(AudioSource(path))
        assert caught.value.code == "cut_short"
        return
    found = measure(AudioSource(path))
    assert found.cut_short
    assert 0.2 * len(whole) < found.n_samples < 0.8 * len(whole)
    samples, _ = read(AudioSource(path, 0.0, 0.4))
    np.testing.assert_array_equal(samples, whole[: len(samples)])


@pytest.mark.parametrize(
    "content",
    [
        "ffconcat version 1.0\nfile SECRET\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nSECRET\n#EXT-X-ENDLIST\n",
        "1\n00:00:01,000 --> 00:00:02,000\nsubtitles\n",
    ],
)
def test_no_other_file_is_opened(tmp_path: Path, content: str) -> None:
    write_wav(tmp_path / "secret.wav", sine(440, 8000, 8000), 8000)
    path = tmp_path / "x.m4a"
    path.write_text(content.replace("SECRET", str(tmp_path / "secret.wav")) + "#\1\n")
    assert outcome(path) == "unreadable"


def test_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    path = encode(tmp_path / "x.m4a", np.tile(sweep(), 20), RATE, "aac")
    tracemalloc.start()
    n_samples = sum(len(block) for block, _ in read_blocks(AudioSource(path)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n_samples > 19 * len(sweep())
    assert peak < 6 << 20


def test_the_process_that_decodes_gives_the_same(tmp_path: Path) -> None:
    path = encode(tmp_path / "x.m4a", sweep(), RATE, "aac")
    (tmp_path / "no.m4a").write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(2000))
    with Decoders() as decoders:
        there = np.concatenate(list(decoders.read_blocks_at(AudioSource(path), 16_000, "soxr")))
        with pytest.raises(AudioError) as caught:
            list(decoders.read_blocks_at(AudioSource(tmp_path / "no.m4a"), 16_000, "soxr"))
    np.testing.assert_allclose(
        there, soxr.resample(read(AudioSource(path))[0], RATE, 16_000), atol=1e-6
    )
    assert (caught.value.code, caught.value.stage) == ("cut_short", "open")


@pytest.mark.parametrize("name", ["x.m4a", "x.mka", "x.caf"])
def test_what_libsndfile_reads_stays_with_it(tmp_path: Path, name: str) -> None:
    """Features of files that were read before keep their numbers."""
    soundfile.write(tmp_path / name, noise(3000), 8000, "PCM_16", format="WAV")
    np.testing.assert_array_equal(
        read(AudioSource(tmp_path / name))[0], soundfile.read(tmp_path / name, dtype="float32")[0]
    )
