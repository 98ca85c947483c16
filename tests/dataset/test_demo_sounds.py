from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiotl_cli.dataset.demo_sounds import LABELS, SOUNDS, synthesise, write_demo_sounds
from audiotl_cli.dataset.synthesis import SAMPLE_RATE


def test_labels_are_the_ten_expected_in_order() -> None:
    assert LABELS == (
        "alarm",
        "bell",
        "chirp",
        "drum",
        "engine",
        "footsteps",
        "plucked_string",
        "rain",
        "siren",
        "wind",
    )
    assert tuple(SOUNDS) == LABELS


@pytest.mark.parametrize("label", LABELS)
def test_recordings_are_well_formed_differ_and_repeat(label: str) -> None:
    takes = [synthesise(label, 0), synthesise(label, 17), synthesise(label, 0, seed=1)]
    for samples in takes:
        assert samples.dtype == np.float32
        assert samples.ndim == 1
        assert 1.5 * SAMPLE_RATE - 1 <= samples.size <= 4.5 * SAMPLE_RATE + 1
        assert np.all(np.isfinite(samples))
        assert 0.08 < np.max(np.abs(samples)) < 0.9
    np.testing.assert_array_equal(synthesise(label, 0), takes[0])
    for other in takes[1:]:
        n = min(takes[0].size, other.size)
        assert abs(np.corrcoef(takes[0][:n], other[:n])[0, 1]) < 0.5


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("n_samples", [1, 100, 4_001])
def test_synthesiser_gives_the_length_asked_for(label: str, n_samples: int) -> None:
    samples = SOUNDS[label](np.random.default_rng(3), n_samples)
    assert samples.shape == (n_samples,)
    assert samples.dtype == np.float32
    assert np.all(np.isfinite(samples))
    assert np.max(np.abs(samples)) <= 1.0


def test_unknown_label_is_refused() -> None:
    with pytest.raises(ValueError, match="trombone"):
        synthesise("trombone", 0)


@pytest.mark.parametrize(("take", "seed"), [(-1, 0), (0, -1)])
def test_negative_take_or_seed_is_refused(take: int, seed: int) -> None:
    with pytest.raises(ValueError, match="non-negative"):
        synthesise("bell", take, seed=seed)


def test_files_are_written_and_readable(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "sounds"
    assert write_demo_sounds(folder, [3, 12], seed=1) == 2 * len(LABELS)
    assert sorted(path.name for path in folder.iterdir()) == list(LABELS)
    for label in LABELS:
        names = sorted(path.name for path in (folder / label).iterdir())
        assert names == [f"{label}-03.wav", f"{label}-12.wav"]
    path = folder / "rain" / "rain-12.wav"
    info = soundfile.info(path)
    assert (info.samplerate, info.channels) == (SAMPLE_RATE, 1)
    assert (info.format, info.subtype) == ("WAV", "PCM_16")
    samples, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_allclose(samples, synthesise("rain", 12, seed=1), atol=1 / 32_000)


def test_files_already_there_are_left_alone(tmp_path: Path) -> None:
    for label in LABELS:
        (tmp_path / label).mkdir()
        (tmp_path / label / f"{label}-00.wav").write_bytes(b"mine")
    (tmp_path / "rain" / "rain-00.wav").unlink()
    assert write_demo_sounds(tmp_path, range(1)) == 1
    assert (tmp_path / "bell" / "bell-00.wav").read_bytes() == b"mine"
    assert soundfile.info(tmp_path / "rain" / "rain-00.wav").samplerate == SAMPLE_RATE
    assert write_demo_sounds(tmp_path, range(1)) == 0


def test_interrupted_write_leaves_nothing_half_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_half_and_fail(path: Path, *args: object, **kwargs: object) -> None:
        Path(path).write_bytes(b"RIFF")
        raise OSError("disk full")

    monkeypatch.setattr(soundfile, "write", write_half_and_fail)
    with pytest.raises(OSError, match="disk full"):
        write_demo_sounds(tmp_path, [0])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
