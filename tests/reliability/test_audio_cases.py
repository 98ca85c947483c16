"""What recordings may do to a run, through the command line; see `cases`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiotl_cli.audio import decoder_process, isolated
from tests.conftest import Run
from tests.processes import children
from tests.reliability import bad_decoder
from tests.sounds import noise, sine, write_wav

RATE = 22_050


def write_sounds(folder: Path, n: int) -> None:
    for number in range(n):
        write_wav(folder / f"{number:02d}.wav", noise(RATE // 2, seed=number), RATE, "PCM_16")


def test_case_18_19_what_is_no_sound_is_one_record_each(project: Path, run: Run) -> None:
    write_sounds(Path("sounds"), 2)
    Path("sounds/bytes-0.wav").touch()
    Path("sounds/text.wav").write_text("no sound")
    Path("sounds/random.mp3").write_bytes(np.random.default_rng(0).bytes(4000))
    write_wav(Path("sounds/samples-0.wav"), np.zeros(0, np.float32), RATE)
    write_wav(Path("sounds/samples-1.wav"), [0.5], RATE)
    run("index", "sounds", "--no-audit")
    index = Path("data/index/sounds.csv")
    Path("sounds/folder.wav").mkdir()
    index.write_text(index.read_text() + "folder.wav\n")

    value = run("extract", "--extractor", "mfcc", "--json").json

    codes = {Path(failure["path"]).name: failure["code"] for failure in value["failures"]}
    assert codes == {
        "bytes-0.wav": "empty",
        "folder.wav": "unreadable",
        "random.mp3": "unreadable",
        "samples-0.wav": "empty",
        "text.wav": "unreadable",
    }
    assert value["n_added"] == 3  # one sample is filled up to a window


def test_case_25_a_crash_and_a_hang_cost_two_files_of_twenty(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sounds(Path("sounds"), 18)
    shutil.copy("sounds/05.wav", "sounds/05-crash.wav")
    shutil.copy("sounds/11.wav", "sounds/11-hang.wav")
    for name in ("05-crash", "11-hang"):  # other bytes, so that they are other clips
        with Path(f"sounds/{name}.wav").open("ab") as file:
            file.write(name.encode())
    run("index", "sounds", "--no-audit")
    with monkeypatch.context() as patch:
        patch.setattr(decoder_process, "CODE", bad_decoder.CODE)
        patch.setattr(isolated, "TIMEOUT_S", 4.0)
        finished = run("extract", "--extractor", "mfcc", "--json")

    assert finished.code == 1
    value = finished.json
    assert (value["n_added"], value["n_failed"]) == (18, 2)
    records = [
        (Path(failure["path"]).name, failure["code"], failure["stage"])
        for failure in value["failures"]
    ]
    assert records == [
        ("05-crash.wav", "crashed", "decode"),
        ("11-hang.wav", "timeout", "decode"),
    ]
    assert "SIGABRT" in value["failures"][0]["message"]
    assert "Traceback" not in finished.err
    assert run("extract", "--extractor", "mfcc", "--json").json["n_added"] == 2


def test_case_26_what_a_decoder_says_goes_to_the_log_alone(project: Path, run: Run) -> None:
    Path("sounds").mkdir()
    soundfile.write("sounds/odd.mp3", sine(440, 10 * RATE, RATE), RATE, format="MP3")
    content = Path("sounds/odd.mp3").read_bytes()
    Path("sounds/odd.mp3").write_bytes(content[:5001] + content[5300:])  # libmpg123 grumbles
    run("index", "sounds")

    quiet = run("extract", "--extractor", "mfcc")
    debug = run("extract", "--extractor", "mfcc", "--hop-s", "0.5", "--debug")

    assert (quiet.code, debug.code) == (0, 0)
    assert "sync" not in quiet.err
    assert "odd.mp3: the decoder says:" in debug.err
    assert "sync" in debug.err


@pytest.mark.skipif(os.name != "posix", reason="names that other systems do not allow")
def test_case_27_odd_names_are_extracted_and_come_back_as_they_are(project: Path, run: Run) -> None:
    names = ["e\u0301.wav", "🐦.wav", "a\nb.wav", "a,b.wav", "-x.wav", "x" * 237 + ".wav"]
    names += [os.fsdecode(b"latin-\xe9.wav")]
    Path("sounds").mkdir()
    for number, name in enumerate(names):
        write_wav(Path("plain.wav"), noise(2000, seed=number), RATE).rename(Path("sounds", name))
        Path("sounds", f"bad{name}").write_text(name.encode("utf-8", "replace").decode())
    bad = sorted(f"bad{name}" for name in names)
    run("index", "sounds")

    value = run("extract", "--extractor", "mfcc", "--json").json

    assert value["n_added"] == len(names)
    assert sorted(Path(failure["path"]).name for failure in value["failures"]) == bad


def test_case_28_links_in_circles_are_records_not_circles(project: Path, run: Run) -> None:
    write_sounds(Path("sounds/a"), 2)
    Path("sounds/a/loop.wav").symlink_to(Path("loop.wav"))
    Path("sounds/a/up").symlink_to(Path("..").resolve() / "project/sounds")

    indexed = run("index", "sounds", "--json")
    value = run("extract", "--extractor", "mfcc", "--json").json

    assert indexed.json["n_clips"] == 3
    assert indexed.json["problems"] == {"unreadable": ["a/loop.wav"]}
    assert [Path(failure["path"]).name for failure in value["failures"]] == ["loop.wav"]
    assert value["n_added"] == 2


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_case_24_a_long_recording_takes_no_memory_of_the_decoder(tmp_path: Path) -> None:
    from audiotl_cli.audio.isolated import Decoders
    from audiotl_cli.audio.types import AudioSource

    def peak_kib() -> int:
        (process,) = set(children()) - before_decoding
        status = (process / "status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0])

    short = write_wav(tmp_path / "short.wav", np.zeros((1000, 2)), 48_000, "PCM_16")
    long = tmp_path / "long.wav"
    n_bytes = 600 * 48_000 * 4  # ten minutes of silence, a hole in the file
    content = bytearray(short.read_bytes())
    content[40:44] = n_bytes.to_bytes(4, "little")
    long.write_bytes(content)
    os.truncate(long, 44 + n_bytes)
    before_decoding = set(children())
    with Decoders() as decoders:
        list(decoders.read_blocks_at(AudioSource(short), 48_000, "soxr"))
        before = peak_kib()
        blocks = decoders.read_blocks_at(AudioSource(long), 48_000, "soxr")
        n_samples = sum(map(len, blocks))
        assert n_samples == 600 * 48_000
        assert peak_kib() - before < 16 << 10
