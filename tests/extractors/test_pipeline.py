from __future__ import annotations

import math
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from threadpoolctl import threadpool_info, threadpool_limits

from audiotl_cli.audio.types import AudioSource, Waveform
from audiotl_cli.errors import AudioError
from audiotl_cli.extractors.base import Embeddings, Patches
from audiotl_cli.extractors.mfcc import MfccExtractor
from audiotl_cli.extractors.pipeline import Embedded, embed_sources
from tests.extractors.fake import FakeExtractor, expected_frames
from tests.sounds import noise, write_wav

LENGTHS = [50, 100, 2300, 1, 990, 4100, 800, 800, 120, 3333]


@pytest.fixture
def waveforms() -> list[Waveform]:
    return [noise(n_samples, seed=i) for i, n_samples in enumerate(LENGTHS)]


@pytest.fixture
def sources(tmp_path: Path, waveforms: list[Waveform]) -> list[AudioSource]:
    return [
        AudioSource(write_wav(tmp_path / f"{i}.wav", waveform, 1000))
        for i, waveform in enumerate(waveforms)
    ]


def embeddings_of(result: Embedded) -> Embeddings:
    assert result.error is None
    assert result.embeddings is not None
    return result.embeddings


def decode_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("decode")]


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_results_come_in_order_whatever_the_workers(
    sources: list[AudioSource], waveforms: list[Waveform], workers: int
) -> None:
    results = list(embed_sources(FakeExtractor(), sources, workers=workers))
    assert len(results) == len(sources)
    for result, waveform in zip(results, waveforms, strict=True):
        found = embeddings_of(result)
        np.testing.assert_array_equal(found.frames, expected_frames(waveform))
        assert found.times.tolist() == [0.1 * i for i in range(len(found.frames))]
        assert result.audio_s == pytest.approx(len(waveform) / 1000)
    assert decode_threads() == []


def test_batches_are_filled_across_recordings(sources: list[AudioSource]) -> None:
    extractor = FakeExtractor()
    results = list(embed_sources(extractor, sources, workers=2))
    n_windows = sum(len(embeddings_of(result).frames) for result in results)
    assert {len(batch) for batch in extractor.batches} == {8}
    _tried, *batches = extractor.batches  # by `usable_batch_size`, once
    assert len(batches) == math.ceil(n_windows / 8)


def test_neighbours_and_engine_do_not_show_in_the_numbers(tmp_path: Path) -> None:
    extractor = MfccExtractor()
    sources = []
    for i, (n_samples, rate) in enumerate([(9000, 8000), (44100, 44100), (50_000, 22050)]):
        path = write_wav(tmp_path / f"{i}.wav", noise(n_samples, seed=i), rate)
        sources.append(AudioSource(path))
    together = list(embed_sources(extractor, sources, workers=2))
    backwards = list(embed_sources(extractor, sources[::-1], workers=1))[::-1]
    for source, forward, backward in zip(sources, together, backwards, strict=True):
        (alone,) = embed_sources(extractor, [source], workers=1)
        samples, rate = soundfile.read(source.path, dtype="float32")
        direct = extractor.embed(samples, rate).frames
        for result in (forward, backward, alone):
            np.testing.assert_array_equal(embeddings_of(result).frames, direct)


def test_stretches_of_one_file(sources: list[AudioSource], waveforms: list[Waveform]) -> None:
    path = sources[5].path
    parts = [AudioSource(path, 0.5, 1.0), AudioSource(path, None, 0.25), AudioSource(path, 4.0)]
    results = list(embed_sources(FakeExtractor(), parts, workers=2))
    pieces = [waveforms[5][500:1000], waveforms[5][:250], waveforms[5][4000:]]
    for result, piece in zip(results, pieces, strict=True):
        np.testing.assert_array_equal(embeddings_of(result).frames, expected_frames(piece))


def test_bad_sources_become_entries_and_the_others_go_on(
    tmp_path: Path, sources: list[AudioSource], waveforms: list[Waveform]
) -> None:
    text = tmp_path / "text.wav"
    text.write_text("hello")
    nan = waveforms[5].copy()
    nan[4000] = math.nan  # found only after windows have been handed over
    flac = tmp_path / "cut.flac"
    soundfile.write(flac, noise(30_000), 8000, subtype="PCM_16")
    flac.write_bytes(flac.read_bytes()[:-9000])
    mixed = [
        AudioSource(tmp_path / "missing.wav"),
        sources[2],
        AudioSource(text),
        AudioSource(write_wav(tmp_path / "nan.wav", nan, 1000)),
        AudioSource(flac),
        sources[5],
        AudioSource(sources[0].path, 30.0),
    ]
    results = list(embed_sources(FakeExtractor(), mixed, workers=2))
    codes = [result.error.code if result.error else None for result in results]
    assert codes == ["missing", None, "unreadable", "not_finite", "unreadable", None, "empty"]
    assert all((result.embeddings is None) == (result.error is not None) for result in results)
    for at, source in ((1, 2), (5, 5)):
        frames = embeddings_of(results[at]).frames
        np.testing.assert_array_equal(frames, expected_frames(waveforms[source]))
    assert decode_threads() == []


def test_only_bad_sources(tmp_path: Path) -> None:
    missing = [AudioSource(tmp_path / f"{i}.wav") for i in range(30)]
    results = list(embed_sources(FakeExtractor(), missing, workers=2))
    assert [result.error.code for result in results if result.error] == ["missing"] * 30


def test_no_sources() -> None:
    assert list(embed_sources(FakeExtractor(), [], workers=2)) == []


class ThreadCounter(FakeExtractor):
    """Notes how many threads NumPy's matrix products have in a front end."""

    def front_end(self, segment: Waveform) -> Patches:
        self.seen = blas_threads()
        return super().front_end(segment)


def blas_threads() -> set[int]:
    """Return the threads of NumPy's library; SciPy may have loaded one of its own."""
    found = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return {pool["num_threads"] for pool in found if "numpy" in pool["filepath"]}


def test_front_ends_run_side_by_side_on_one_thread_each(sources: list[AudioSource]) -> None:
    extractor, direct = ThreadCounter(), ThreadCounter()
    with threadpool_limits(3, user_api="blas"):
        results = embed_sources(extractor, sources, workers=2)
        next(results)
        direct.embed(noise(200), 1000)
        list(results)

        assert extractor.seen == direct.seen == {1}
        assert blas_threads() == {3}  # as it was


class BrokenFrontEnd(FakeExtractor):
    def front_end(self, segment: Waveform) -> Patches:
        if len(segment) > 1000:
            raise RuntimeError("too much")
        return super().front_end(segment)


def test_unforeseen_failure_of_one_recording_is_its_error(sources: list[AudioSource]) -> None:
    results = list(embed_sources(BrokenFrontEnd(), sources[1:4], workers=2))
    error = results[1].error
    assert isinstance(error, AudioError)
    assert (error.code, error.stage, str(error)) == ("failed", "embed", "RuntimeError: too much")
    assert results[0].error is None
    assert results[2].error is None


class BrokenNetwork(FakeExtractor):
    def forward(self, patches: Patches) -> npt.NDArray[np.float32]:
        raise RuntimeError("no network")


def test_broken_network_ends_the_run_and_its_threads(sources: list[AudioSource]) -> None:
    with pytest.raises(RuntimeError, match="no network"):
        list(embed_sources(BrokenNetwork(), sources, workers=2))
    assert decode_threads() == []


def test_long_recording_takes_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 16000, 1, "PCM_16") as file:
        for _ in range(1200):
            file.write(np.zeros(16000, np.int16))
    extractor = FakeExtractor(hop_s=1.0)
    list(embed_sources(extractor, [AudioSource(path, 0.0, 1.0)], workers=1))
    extractor.batches = []
    tracemalloc.start()
    (result,) = embed_sources(extractor, [AudioSource(path)], workers=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(embeddings_of(result).frames) == 1200
    assert result.audio_s == pytest.approx(1200)
    assert peak < 12 << 20  # the whole is 73 MiB at its own rate


def test_sources_are_taken_only_a_little_ahead(sources: list[AudioSource]) -> None:
    n_taken = 0

    def endless() -> Iterator[AudioSource]:
        nonlocal n_taken
        while True:
            n_taken += 1
            yield sources[6]

    stream = embed_sources(FakeExtractor(), endless(), workers=2)
    for _ in range(20):
        embeddings_of(next(stream))
    assert n_taken <= 20 + 12
    stream.close()
    assert decode_threads() == []


def test_closing_early_stops_threads_that_wait(tmp_path: Path) -> None:
    long = write_wav(tmp_path / "long.wav", np.zeros(100_000, np.float32), 1000)
    stream = embed_sources(FakeExtractor(hop_s=0.01), [AudioSource(long)] * 50, workers=3)
    next(stream)
    assert decode_threads()
    started = time.monotonic()
    stream.close()
    assert time.monotonic() - started < 20
    assert decode_threads() == []


def test_failing_list_of_sources_stops_the_threads(sources: list[AudioSource]) -> None:
    def failing() -> Iterator[AudioSource]:
        yield from sources[:3]
        raise OSError("disk gone")

    with pytest.raises(OSError, match="disk gone"):
        list(embed_sources(FakeExtractor(), failing(), workers=2))
    assert decode_threads() == []
