from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from audiotl_cli import FeatureStore
from audiotl_cli.audio.isolated import Decoders
from tests.conftest import REPOSITORY, Run


@pytest.fixture
def copied(project: Path, sounds: Path) -> Path:
    """Return a folder of recordings that a test may change."""
    folder = project / "sounds"
    shutil.copytree(sounds, folder)
    for path in folder.rglob("*.wav"):  # old enough for their hashes to be remembered
        os.utime(path, (1e9, 1e9))
    return folder


@pytest.fixture
def indexed(copied: Path, run: Run) -> Path:
    assert run("index", copied).code == 0
    return copied


def forbid_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("a recording was decoded")

    monkeypatch.setattr(Decoders, "read_blocks_at", refuse)


def test_features_are_stored_as_documented(indexed: Path, run: Run) -> None:
    finished = run("extract", "--extractor", "mfcc", "--json")

    assert finished.code == 0
    value = finished.json
    assert (value["n_added"], value["n_skipped"], value["n_failed"]) == (24, 0, 0)
    assert value["failures"] == []
    assert value["audio_s"] > 30
    store = Path(value["store"])
    assert store.name == f"mfcc-{value['fingerprint']}"
    assert json.loads((store / "store.json").read_text())["dim"] == 120
    (shard,) = store.glob("shard-*.npz")
    with np.load(shard, allow_pickle=False) as arrays:
        assert arrays["frames"].dtype == np.float32
        assert arrays["frames"].shape == (len(arrays["times"]), 120)
        assert len(arrays["keys"]) == 24
        assert arrays["offsets"][-1] == len(arrays["frames"])
        assert arrays["format"] == 1


def test_a_second_run_decodes_nothing(
    indexed: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("extract", "--extractor", "mfcc")
    forbid_decoding(monkeypatch)

    value = run("extract", "--extractor", "mfcc", "--json").json

    assert (value["n_added"], value["n_skipped"]) == (0, 24)
    assert value["audio_s"] == 0


def test_only_what_is_new_or_edited_is_extracted(indexed: Path, run: Run) -> None:
    run("extract", "--extractor", "mfcc")
    (indexed / "rain/rain-00.wav").rename(indexed / "drum/moved.wav")
    run("index", indexed)
    assert run("extract", "--extractor", "mfcc", "--json").json["n_added"] == 0

    shutil.copy(indexed / "rain/rain-01.wav", indexed / "rain/same-bytes.wav")
    data = bytearray((indexed / "rain/rain-02.wav").read_bytes())
    data[-2] ^= 1
    (indexed / "rain/rain-02.wav").write_bytes(data)
    run("index", indexed)

    value = run("extract", "--extractor", "mfcc", "--json").json
    assert (value["n_added"], value["n_skipped"]) == (1, 24)


def test_bad_recordings_are_reported_and_the_rest_goes_on(
    indexed: Path, project: Path, run: Run
) -> None:
    (indexed / "rain/bad.wav").write_text("this is no sound")
    (indexed / "rain/[red]empty[bold].wav").touch()
    run("index", indexed)
    (indexed / "rain/rain-00.wav").unlink()

    finished = run("extract", "--extractor", "mfcc")

    assert finished.code == 1
    assert "23 clips added, 0 already there, 3 failed" in finished.out
    assert "bad.wav: is not a sound file" in finished.err
    assert "[red]empty[bold].wav: is an empty file (0 bytes)" in finished.err
    assert "rain-00.wav: no such file" in finished.err
    assert "Traceback" not in finished.err

    value = run("extract", "--extractor", "mfcc", "--json").json
    assert sorted((f["stage"], f["code"]) for f in value["failures"]) == [
        ("open", "empty"),
        ("open", "missing"),
        ("open", "unreadable"),
    ]


def test_every_copy_of_a_bad_recording_is_listed(indexed: Path, run: Run) -> None:
    (indexed / "rain/bad-1.wav").write_text("this is no sound")
    (indexed / "drum/bad-2.wav").write_text("this is no sound")
    run("index", indexed)

    value = run("extract", "--extractor", "mfcc", "--json").json

    assert sorted(Path(failure["path"]).name for failure in value["failures"]) == [
        "bad-1.wav",
        "bad-2.wav",
    ]
    assert (value["n_added"], value["n_skipped"], value["n_failed"]) == (24, 0, 2)


def test_samples_beyond_all_measure_are_no_features(indexed: Path, run: Run) -> None:
    import soundfile

    loud = np.full(30_000, 1e25, np.float32)
    soundfile.write(indexed / "rain/loud.wav", loud, 22_050, subtype="FLOAT")
    run("index", indexed)

    value = run("extract", "--extractor", "mfcc", "--json").json

    assert [(f["stage"], f["code"]) for f in value["failures"]] == [("decode", "not_finite")]
    assert value["n_added"] == 24


def test_strict_and_error_rate_end_the_run(indexed: Path, run: Run) -> None:
    (indexed / "chirp/a-bad.wav").write_text("this is no sound")
    (indexed / "chirp/b-bad.wav").write_text("nor is this")
    run("index", indexed)

    assert run("extract", "--extractor", "mfcc", "--strict").code == 3
    assert run("extract", "--extractor", "mfcc", "--max-error-rate", 0.05).code == 3
    assert run("extract", "--extractor", "mfcc", "--max-error-rate", 0.2).code == 1


def test_features_of_different_settings_are_kept_apart(indexed: Path, run: Run) -> None:
    first = run("extract", "--extractor", "mfcc", "--json").json
    second = run("extract", "--extractor", "mfcc", "--hop-s", 0.5, "--json").json
    mixed = run("extract", "--extractor", "mfcc", "--hop-s", 0.5, "--store", first["store"])

    assert first["store"] != second["store"]
    assert second["n_added"] == 24
    assert mixed.code == 3
    assert "never mixed" in mixed.err


def test_neither_order_nor_workers_change_a_number(indexed: Path, run: Run) -> None:
    single = run("extract", "--extractor", "mfcc", "--workers", 1, "--store", "one", "--json").json
    run("index", indexed, "--name", "shuffled", "--seed", 7)
    index = Path("data/index/shuffled.csv")
    head, columns, *rows = index.read_text().splitlines()
    random.Random(1).shuffle(rows)
    index.write_text("\n".join([head, columns, *rows]) + "\n")
    two = run("extract", "--extractor", "mfcc", "--workers", 3, "--store", "two", "--json").json

    names = [sorted(path.name for path in Path(v["store"]).glob("shard-*")) for v in (single, two)]
    assert names[0] == names[1]  # shards are named by their content


def test_unknown_names_list_the_choices(indexed: Path, run: Run) -> None:
    extractor = run("extract", "--extractor", "vggisch")
    layer = run("extract", "--extractor", "mfcc", "--layer", "mood")

    assert extractor.code == 2
    assert "musicnn" in extractor.err
    assert "mfcc" in extractor.err
    assert layer.code == 2
    assert "statistics" in layer.err


def test_without_an_index_it_says_how_to_make_one(project: Path, run: Run) -> None:
    finished = run("extract")

    assert finished.code == 3
    assert "audiotl index FOLDER" in finished.err


@pytest.mark.parametrize("attempt", range(3))
def test_a_killed_run_loses_nothing(indexed: Path, run: Run, attempt: int) -> None:
    whole = run("extract", "--extractor", "mfcc", "--store", "whole", "--json").json
    process = extraction_that_stops_after(random.Random(attempt).randint(1, 15))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (killed,) = Path("killed").glob("mfcc-*")
    n_kept = len(FeatureStore(killed))

    value = run("extract", "--extractor", "mfcc", "--store", "killed", "--json").json

    assert n_kept >= 1
    assert value["n_skipped"] == n_kept
    assert value["n_added"] == 24 - n_kept
    names = [sorted(path.name for path in Path(v["store"]).glob("*")) for v in (whole, value)]
    assert names[0] == names[1]


def test_ctrl_c_exits_with_130_and_can_be_resumed(indexed: Path, run: Run) -> None:
    process = extraction_that_stops_after(2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)

    assert process.returncode == 130
    assert "the same command continues where it stopped" in err
    assert "Traceback" not in err
    value = run("extract", "--extractor", "mfcc", "--store", "killed", "--json").json
    assert value["n_skipped"] >= 2
    assert value["n_added"] + value["n_skipped"] == 24


def extraction_that_stops_after(n: int) -> subprocess.Popen[str]:
    """Return an extraction that has stored some clips and then waits to be stopped."""
    script = (
        "import threading\n"
        "from audiotl_cli.store import writer\n"
        "writer.HOLD_S = 0.0\n"
        "add, added = writer.StoreWriter.add, []\n"
        "def add_some(self, key, features):\n"
        "    add(self, key, features)\n"
        "    added.append(key)\n"
        f"    if len(added) == {n}: print(flush=True), threading.Event().wait()\n"
        "writer.StoreWriter.add = add_some\n"
        "from audiotl_cli.cli.main import main\n"
        "main(['extract', '--extractor', 'mfcc', '--store', 'killed'])\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "\n", process.communicate()
    return process
