"""A new setting of extractors is a field of `ExtractorConfig`, and the code that reads it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import audiotl_cli
from tests.conftest import Run

LAST_FIELD = "    weights: Path | None = None\n"
FIELD = '    gain_db: float = setting("Decibels to add to every recording.", 0.0)\n'
USE = "segment = segment * np.float32(10 ** (self.config.gain_db / 20))"

COMMANDS = """
import sys
from audiotl_cli.cli.main import main

for line in sys.stdin.read().splitlines():
    try:
        main([*line.split(), "--json"])
    except SystemExit as end:
        assert end.code == 0, (line, end.code)
"""


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """Return a folder with a copy of audiotl that knows one more setting, which mfcc uses."""
    folder = tmp_path / "changed"
    package = folder / "audiotl_cli"
    shutil.copytree(
        Path(audiotl_cli.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__")
    )
    insert(package / "extractor_config.py", LAST_FIELD, FIELD)
    mfcc = package / "extractors" / "mfcc.py"
    insert(mfcc, "    def front_end(self, segment: Waveform) -> Patches:\n", f"        {USE}\n")
    return folder


def insert(path: Path, after: str, line: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(after) == 1
    path.write_text(text.replace(after, after + line), encoding="utf-8")


def results(changed: Path, *commands: str) -> list[Any]:
    """Run commands of the changed audiotl in the current folder; return their JSON values."""
    finished = subprocess.run(
        [sys.executable, "-c", COMMANDS],
        input="\n".join(commands),
        env={**os.environ, "PYTHONPATH": str(changed)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    decoder, text, found = json.JSONDecoder(), finished.stdout.strip(), []
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:].lstrip()
    return found


def test_a_field_becomes_an_option_and_part_of_fingerprint_store_and_card(
    changed: Path, project: Path, sounds: Path, run: Run
) -> None:
    run("index", sounds)
    before = run("extract", "--extractor", "mfcc", "--json").json

    same, louder, trained, inspected, predicted = results(
        changed,
        "extract --extractor mfcc",
        "extract --extractor mfcc --gain-db 12",
        "train --out louder.joblib",
        "model inspect louder.joblib",
        f"predict --model louder.joblib {sounds / 'rain' / 'rain-00.wav'}",
    )

    # at its default, a new setting leaves the features made before it valid
    assert (same["fingerprint"], same["n_added"]) == (before["fingerprint"], 0)
    assert louder["fingerprint"] != before["fingerprint"]
    made_from = json.loads(Path(louder["store"], "store.json").read_text())["made_from"]
    assert made_from["details"] == {"gain_db": 12.0}
    assert trained["extractors"] == ["mfcc"]
    assert inspected["card"]["extractors"][0]["gain_db"] == 12.0
    # the extractor made from the card has the fingerprint of the features, or predict refuses
    assert predicted[0]["label"] == "rain"
