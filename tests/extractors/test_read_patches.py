from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from audiotl_cli.audio.isolated import Decoders
from audiotl_cli.audio.types import AudioSource
from audiotl_cli.errors import AudioError
from audiotl_cli.extractors.base import Patches
from audiotl_cli.extractors.mfcc import MfccExtractor
from audiotl_cli.extractors.pipeline import embed_sources
from audiotl_cli.extractors.read_patches import read_patches
from audiotl_cli.extractors.runtime import one_blas_thread
from tests.sounds import noise, write_wav


class InThreads(MfccExtractor):
    front_end_in_worker = False


class TellsWhere(MfccExtractor):
    def front_end(self, segment: np.ndarray) -> Patches:
        return np.full((1, 1), os.getpid() % 4096, np.float32)


class Crashes(MfccExtractor):
    def front_end(self, segment: np.ndarray) -> Patches:
        os.abort()


class Fails(MfccExtractor):
    def front_end(self, segment: np.ndarray) -> Patches:
        raise ValueError("no such sound")


@pytest.fixture
def source(tmp_path: Path) -> AudioSource:
    return AudioSource(write_wav(tmp_path / "a.wav", noise(60 * 22_050 + 17, seed=1), 22_050))


def test_it_is_another_process_and_the_numbers_are_the_same(source: AudioSource) -> None:
    with Decoders() as decoders, one_blas_thread():
        ((where, _), *_) = read_patches(TellsWhere(), source, decoders)
        in_worker = list(read_patches(MfccExtractor(hop_s=0.7), source, decoders))
        in_threads = list(read_patches(InThreads(hop_s=0.7), source, decoders))
    assert where is not None
    assert where[0, 0] != os.getpid() % 4096
    assert len(in_worker) == len(in_threads) > 2
    for (a, n_a), (b, n_b) in zip(in_worker, in_threads, strict=True):
        assert n_a == n_b
        if a is None or b is None:
            assert a is b
        else:
            np.testing.assert_array_equal(a, b)
    assert in_worker[-1] == (None, 60 * 22_050 + 17)


def test_an_extractor_that_was_used_goes_there_too(source: AudioSource) -> None:
    extractor = MfccExtractor()
    direct = extractor.embed(noise(60 * 22_050 + 17, seed=1), 22_050)
    (result,) = embed_sources(extractor, [source], workers=1)
    assert result.embeddings is not None
    np.testing.assert_array_equal(result.embeddings.frames, direct.frames)
    assert result.audio_s == pytest.approx(60.0, abs=0.01)


def test_a_front_end_that_fails_or_crashes_costs_one_recording(source: AudioSource) -> None:
    with Decoders() as decoders:
        for extractor, code in ((Fails(), "failed"), (Crashes(), "crashed")):
            with pytest.raises(AudioError) as caught:
                list(read_patches(extractor, source, decoders))
            assert caught.value.code == code
        assert list(read_patches(MfccExtractor(), source, decoders))[-1][0] is None
