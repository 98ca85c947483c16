from __future__ import annotations

import json
import logging
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiotl_cli.audio import decoder_process
from audiotl_cli.audio.decode import read_blocks
from audiotl_cli.audio.isolated import Decoders
from audiotl_cli.audio.measure import Measurement
from audiotl_cli.audio.resample import read_blocks_at
from audiotl_cli.audio.types import AudioSource, Waveform
from audiotl_cli.errors import AudioError, AudiotlError
from tests.processes import children, is_running
from tests.sounds import noise, write_wav
from tests.waiting import wait_until

BAD_DECODER = """\
import sys
sys.path[:] = {path!r}
import json, os, time
from audiotl_cli.audio import resample, worker
decode = resample.read_blocks
n_read = 0
answers = os.dup(1)

def read_blocks(source):
    global n_read
    n_read += 1
    name = source.path.name
    if "crash" in name or ("second" in name and n_read > 1):
        os.abort()
    if "exit" in name:
        os._exit(3)
    if "babble" in name:
        os.write(answers, b"\\0\\0\\0\\5hello" if "short" in name else b"\\x7f" + b"\\xff" * 100)
        time.sleep(600)
    if "late" in name:
        yield from decode(source)
        os.abort()
    if "hang" in name:
        source.path.with_suffix(".hangs").touch()
        time.sleep(600)
    if "slow" in name:
        for block in decode(source):
            time.sleep(0.3)
            yield block
        return
    if "noisy" in name:
        os.write(2, b"[mpg123] warning: odd frame\\n")
        os.write(1, b"this is not for stdout\\n")
    if "broken" in name:
        raise RuntimeError("out of it")
    yield from decode(source)

measured = worker.measure

def measure(source, on_block):
    def slowly():
        time.sleep(0.5)
        on_block()
    return measured(source, slowly if "slow" in source.path.name else on_block)

resample.read_blocks, worker.measure = read_blocks, measure
worker.main()
"""
"""A decoder that does what the name of the file says."""


def source_at(path: Path, n_samples: int = 1000) -> AudioSource:
    return AudioSource(write_wav(path, noise(n_samples, seed=len(path.name)), 8000))


def read(decoders: Decoders, source: AudioSource, to_rate: int = 8000) -> Generator[Waveform]:
    return decoders.read_blocks_at(source, to_rate, "soxr")


def samples_of(decoders: Decoders, source: AudioSource) -> list[float]:
    blocks = list(read(decoders, source))
    return [float(value) for value in np.concatenate(blocks)]


def error_of(decoders: Decoders, source: AudioSource) -> AudioError:
    with pytest.raises(AudioError) as caught:
        list(read(decoders, source))
    return caught.value


def test_blocks_are_those_of_the_decoder(tmp_path: Path) -> None:
    stereo = np.stack([noise(300_000, seed=1), noise(300_000, seed=2)], axis=1)
    soundfile.write(tmp_path / "long.flac", stereo, 44100)
    sources = [
        AudioSource(tmp_path / "long.flac"),
        AudioSource(tmp_path / "long.flac", 1.25, 5.5),
        source_at(tmp_path / "short.wav", 1),
    ]
    with Decoders() as decoders:
        for source in sources:
            for to_rate in (16_000, 44_100):
                here = read_blocks_at(source, to_rate, "soxr")
                for here_block, two in zip(here, read(decoders, source, to_rate), strict=True):
                    assert two.dtype == np.float32
                    np.testing.assert_array_equal(here_block, two)


def test_errors_cross_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    nan = write_wav(tmp_path / "nan.wav", [0.0, math.nan], 8000)
    missing = tmp_path / os.fsdecode(b"gone-\xe9.wav")
    with Decoders() as decoders:
        for path in (tmp_path / "text.wav", nan, missing, tmp_path):
            with pytest.raises(AudioError) as caught:
                list(read_blocks(AudioSource(path)))
            here, there = caught.value, error_of(decoders, AudioSource(path))
            assert (str(here), here.code, here.stage) == (str(there), there.code, there.stage)


@pytest.mark.parametrize(
    "name", [os.fsdecode(b"latin-\xe9.wav"), "line\nbreak.wav", '🐦 e\u0301 \\".wav', "-x.wav"]
)
def test_odd_names_cross_too(tmp_path: Path, name: str) -> None:
    write_wav(tmp_path / "plain.wav", [0.5, 0.25], 8000).rename(tmp_path / name)
    with Decoders() as decoders:
        assert samples_of(decoders, AudioSource(tmp_path / name)) == [0.5, 0.25]


def test_a_working_directory_full_of_modules_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("soundfile", "numpy", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    with Decoders() as decoders:
        assert len(samples_of(decoders, source_at(tmp_path / "a.wav"))) == 1000


@pytest.fixture
def bad_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_process, "CODE", BAD_DECODER)


@pytest.mark.usefixtures("bad_decoder")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("crash.wav", "SIGABRT"),
        ("exit.wav", "exit code 3"),
        ("late.wav", ""),
        ("babble-short.wav", "SIGKILL"),
        ("babble-long.wav", "SIGKILL"),
    ],
)
def test_a_crash_is_the_error_of_that_file_alone(tmp_path: Path, name: str, reason: str) -> None:
    good = source_at(tmp_path / "good.wav")
    with Decoders() as decoders:
        before = samples_of(decoders, good)
        error = error_of(decoders, source_at(tmp_path / name))
        assert samples_of(decoders, good) == before
    assert (error.code, error.stage) == ("crashed", "decode")
    assert str(error).startswith("crashes its decoder")
    assert reason in str(error)


@pytest.mark.usefixtures("bad_decoder")
def test_a_file_is_not_blamed_for_what_one_before_it_broke(tmp_path: Path) -> None:
    with Decoders() as decoders:
        samples_of(decoders, source_at(tmp_path / "first.wav"))
        assert len(samples_of(decoders, source_at(tmp_path / "second.wav"))) == 1000


@pytest.mark.usefixtures("bad_decoder")
def test_a_decoder_that_hangs_is_ended(tmp_path: Path) -> None:
    with Decoders(timeout_s=3.0) as decoders:
        error = error_of(decoders, source_at(tmp_path / "hang.wav"))
        assert len(samples_of(decoders, source_at(tmp_path / "good.wav"))) == 1000
    assert (error.code, error.stage) == ("timeout", "decode")
    assert "nothing came for 3 s" in str(error)


@pytest.mark.usefixtures("bad_decoder")
def test_a_slow_decoder_is_waited_for_and_a_slow_reader_is_no_hang(tmp_path: Path) -> None:
    slow = source_at(tmp_path / "slow.wav", 1_600_000)  # seven blocks, 2 s in all
    with Decoders(timeout_s=3.0) as decoders:
        n_samples = 0
        for at, block in enumerate(read(decoders, slow)):
            n_samples += len(block)
            if at == 0:
                time.sleep(4)  # a reader that is slower than a decoder may be
    assert n_samples == 1_600_000


@pytest.mark.usefixtures("bad_decoder")
def test_a_measurement_that_takes_long_is_waited_for(tmp_path: Path) -> None:
    slow = source_at(tmp_path / "slow.wav", 1_600_000)  # seven blocks, 3.5 s in all
    with Decoders(timeout_s=1.5) as decoders:  # and 0.8 s for its size
        found = Measurement.from_json(json.loads(decoders.measure(slow)))
    assert found.n_samples == 1_600_000


@pytest.mark.usefixtures("bad_decoder")
def test_what_a_decoder_prints_is_logged_and_harms_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    noisy = source_at(tmp_path / "noisy.wav")
    with caplog.at_level(logging.DEBUG, "audiotl_cli"), Decoders() as decoders:
        for _ in range(2):
            assert len(samples_of(decoders, noisy)) == 1000
    assert capfd.readouterr() == ("", "")
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2
    for message in messages:
        assert message.startswith(f"{noisy.path}: the decoder says: [mpg123] warning: odd frame")
        assert "this is not for stdout" in message


@pytest.mark.usefixtures("bad_decoder")
def test_what_goes_wrong_in_python_is_an_error_of_the_file(tmp_path: Path) -> None:
    with Decoders() as decoders:
        error = error_of(decoders, source_at(tmp_path / "broken.wav"))
        assert len(samples_of(decoders, source_at(tmp_path / "good.wav"))) == 1000
    assert (str(error), error.code, error.stage) == ("RuntimeError: out of it", "failed", "decode")


def test_a_process_that_cannot_start_is_no_fault_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_process, "CODE", "import sys; sys.exit('no such module')")
    with Decoders() as decoders, pytest.raises(AudiotlError, match="no such module") as caught:
        list(read(decoders, source_at(tmp_path / "good.wav")))
    assert not isinstance(caught.value, AudioError)


def test_a_reader_that_leaves_early_costs_nothing_but_a_process(tmp_path: Path) -> None:
    long = source_at(tmp_path / "long.wav", 2_000_000)
    with Decoders() as decoders:
        with closing(read(decoders, long)) as blocks:
            next(blocks)
        assert len(samples_of(decoders, long)) == 2_000_000


@pytest.mark.usefixtures("bad_decoder")
def test_stopping_frees_threads_that_wait_for_a_decoder(tmp_path: Path) -> None:
    hanging = source_at(tmp_path / "hang.wav")
    errors: list[Exception] = []

    def wait() -> None:
        try:
            list(read(decoders, hanging))
        except AudioError as error:
            errors.append(error)

    with Decoders() as decoders:
        thread = threading.Thread(target=wait)
        thread.start()
        wait_until((tmp_path / "hang.hangs").exists)
        decoders.stop()
        thread.join(20)
        assert not thread.is_alive()
    assert len(errors) == 1


PARENT = """
import sys, threading
from pathlib import Path
from audiotl_cli.audio import decoder_process, isolated
decoder_process.CODE = sys.argv[1]
from audiotl_cli.audio.types import AudioSource
from tests.waiting import wait_until
state, first, second = sys.argv[2], *map(Path, sys.argv[3:])
decoders = isolated.Decoders(1)
blocks = decoders.read_blocks_at(AudioSource(first), 8000, "soxr")
next(blocks)
if state != "giving":
    list(blocks)
if state == "hanging":
    reading = lambda: next(decoders.read_blocks_at(AudioSource(second), 8000, "soxr"))
    threading.Thread(target=reading, daemon=True).start()
    wait_until(second.with_suffix(".hangs").exists)
print("ready", flush=True)
threading.Event().wait()
"""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
@pytest.mark.parametrize("state", ["idle", "giving", "hanging"])
def test_decoders_end_when_the_parent_is_killed(tmp_path: Path, state: str) -> None:
    first = source_at(tmp_path / "a.wav", 5_000_000 if state == "giving" else 1000).path
    second = source_at(tmp_path / "hang.wav").path
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, BAD_DECODER, state, str(first), str(second)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert parent.stdout is not None
    assert parent.stderr is not None
    assert parent.stdout.readline() == b"ready\n"
    (child,) = children(parent.pid)
    assert is_running(child)
    parent.send_signal(signal.SIGKILL)
    assert parent.wait() == -signal.SIGKILL
    wait_until(lambda: not is_running(child), 120)
    assert parent.stderr.read() == b""
    parent.stdout.close()
    parent.stderr.close()
