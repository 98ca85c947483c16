"""Measure, print a page of tables, and write a JSON file and a figure; see docs/ARCHITECTURE.md."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection
from dataclasses import asdict
from pathlib import Path
from typing import Any

from audiotl_cli.errors import AudiotlError
from benchmarks import machine
from benchmarks.against_birdnet import compare_birdnet
from benchmarks.against_musicnn import compare_musicnn
from benchmarks.cases import NETWORKS, engines
from benchmarks.corpus import Corpus, make_corpus
from benchmarks.exports import measure_export
from benchmarks.figure import draw
from benchmarks.growth import measure_growth
from benchmarks.packages import UnavailableError
from benchmarks.render import page
from benchmarks.start import predict_seconds, train
from benchmarks.startup import measure_startup
from benchmarks.weights import needed_cache

SECTIONS = ("networks", "packages", "startup", "growth")


def main() -> None:
    """Run the requested measurements."""
    options = parse()
    started = time.perf_counter()
    found: dict[str, Any] = {"quick": options.quick, "machine": machine.describe()}
    with tempfile.TemporaryDirectory() as name:
        corpus = make_corpus(Path(name), options.audio)
        found["audio"] = {key: value for key, value in asdict(corpus).items() if key != "folder"}
        sections: dict[str, Callable[[], Any]] = {
            "networks": lambda: measure_networks(corpus, options),
            "packages": lambda: measure_packages(corpus, quick=options.quick),
            "startup": lambda: measure_startup(1 if options.quick else 3),
            "growth": lambda: measure_growth(
                [100, 1000] if options.quick else [100, 1000, 10_000],
                (60, 600 if options.quick else 3600),
            ),
        }
        for section, measure in sections.items():
            if section in options.sections:
                _say(section)
                found[section] = measure()
    found["machine"]["load_after"] = round(os.getloadavg()[0], 2)
    found["took_s"] = time.perf_counter() - started
    text = page(found)
    print(f"\n{text}")
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "bench.json"
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(path)
    if "networks" in found:
        print(draw(found, options.out / "bench.png"))


def measure_networks(corpus: Corpus, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure each network in each engine; one that cannot be measured has the reason."""
    rows = []
    for number, network in enumerate(options.networks):
        folder = corpus.folder / str(number)
        folder.mkdir()
        try:
            cache = needed_cache(network, folder)
            gflop = machine.in_own_process("benchmarks.operations", cache, network=network)
            for engine in engines(network):
                _say(f"{network} {engine}".strip())
                rows.append(_measure(network, engine, corpus.folder, cache, gflop, options.quick))
        except (AudiotlError, RuntimeError) as error:
            rows.append(_skipped(network, "", error))
        shutil.rmtree(folder)
    return rows


def _measure(
    network: str, engine: str, folder: Path, cache: Path | None, gflop: float, quick: bool
) -> dict[str, Any]:
    """Measure a network in an engine."""
    words = ["--extractor", network, *(["--engine", engine] if engine else [])]
    try:
        parts = machine.in_own_process(
            "benchmarks.parts",
            cache,
            network=network,
            engine=engine,
            folder=str(folder),
            gflop=gflop,
            run_s=0.3 if quick else 0.8,
        )
        row = {"network": network, "default": engine == engines(network)[0], **parts}
        with tempfile.TemporaryDirectory() as name:
            project = Path(name)
            train(project, words, cache)
            row["predict_s"] = predict_seconds(project, cache, 1 if quick else 3)
            if row["default"]:
                row["whole"] = measure_export(network, project, cache)
    except (AudiotlError, RuntimeError) as error:
        return _skipped(network, engine, error)
    return row


def _skipped(network: str, engine: str, error: Exception) -> dict[str, Any]:
    return {"network": network, "engine": engine, "skipped": str(error).splitlines()[0]}


def measure_packages(corpus: Corpus, *, quick: bool) -> dict[str, Any]:
    """Compare with published packages; one that cannot be run has the reason."""
    recordings = sorted((corpus.folder / "ogg").iterdir())
    compared: dict[str, Callable[[], dict[str, Any]]] = {
        "birdnet": lambda: compare_birdnet(recordings[: 10 if quick else 30]),
        "musicnn": lambda: compare_musicnn(recordings, (10.0, 40.0) if quick else (30.0, 120.0)),
    }
    found = {}
    for name, compare in compared.items():
        _say(f"the published package for {name}")
        try:
            found[name] = compare()
        except (AudiotlError, RuntimeError, UnavailableError) as error:
            found[name] = {"skipped": str(error).splitlines()[0]}
    return found


def parse() -> argparse.Namespace:
    """Return the options of the command line, with the sections and networks they choose."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure faster and less precisely")
    parser.add_argument(
        "--only",
        type=_names,
        default=(),
        metavar="NAME,...",
        help=f"measure only these sections ({', '.join(SECTIONS)}) or networks",
    )
    parser.add_argument("--audio", type=Path, help="a folder of recordings to measure with")
    parser.add_argument("--out", type=Path, default=Path("data/experiments/bench"))
    options = parser.parse_args()
    options.networks = [name for name in NETWORKS if name in options.only] or NETWORKS
    options.sections = [name for name in SECTIONS if name in options.only] or (
        ["networks"] if options.only else SECTIONS
    )
    return options


def _names(text: str) -> Collection[str]:
    names = set(text.split(","))
    unknown = names - {*SECTIONS, *NETWORKS}
    if unknown:
        raise argparse.ArgumentTypeError(
            f"{min(unknown)!r} is neither a section nor a network; choose from "
            f"{', '.join((*SECTIONS, *NETWORKS))}"
        )
    return names


def _say(text: str) -> None:
    print(f"measuring {text} ...", flush=True)


if __name__ == "__main__":
    main()
