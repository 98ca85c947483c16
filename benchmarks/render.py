"""Write the measurements as a page of tables.

``python -m benchmarks.render [JSON [PAGE]]``: by default, from what `make bench` wrote into
docs/NUMBERS.md.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.arithmetic import PARTS
from benchmarks.corpus import REPOSITORY
from benchmarks.weights import LABEL

Found = Mapping[str, Any]
Row = Sequence[str]

JSON = REPOSITORY / "data" / "experiments" / "bench" / "bench.json"
PAGE = REPOSITORY / "docs" / "NUMBERS.md"


def page(found: Found) -> str:
    """Return a page in Markdown of all that was measured."""
    machine, audio = found["machine"], found["audio"]
    rates = ", ".join(str(rate) for rate in audio["sample_rates"])
    rough = " with `--quick`, roughly," if found["quick"] else ""
    lines = [
        "# How fast audiotl is",
        "",
        "`make bench` measures, and `python -m benchmarks.render` writes this page; do not edit "
        "it. [How speed is measured](ARCHITECTURE.md#how-speed-is-measured) says what it means.",
        "",
        f"Measured{rough} on {machine['cpu']}, {machine['cores']} cores, {machine['system']}, "
        f"Python {machine['python']}. The load of the machine was {machine['load_before']} before "
        f"and {machine['load_after']} after, the run took {found['took_s']:.0f} s. Recordings: "
        f"{audio['name']}, {audio['n_recordings']} Ogg files of {audio['audio_s']:.0f} s in all, "
        f"{rates} Hz.",
    ]
    sections: dict[str, Callable[[Any], list[str]]] = {
        "networks": _networks,
        "packages": _packages,
        "startup": _startup,
        "growth": _growth,
    }
    for name, write in sections.items():
        if name in found:
            lines += ["", *write(found[name])]
    return "\n".join(lines) + "\n"


def table(header: Row, rows: Iterable[Row], *, left: int = 1) -> list[str]:
    """Return a table whose columns are aligned, the first ones to the left."""
    cells = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        [cell.ljust(w) if n < left else cell.rjust(w) for n, (cell, w) in enumerate(line)]
        for line in (zip(row, widths, strict=True) for row in cells)
    ]
    rule = ["-" * w if n < left else "-" * (w - 1) + ":" for n, w in enumerate(widths)]
    return [f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:])]


def _networks(rows: list[dict[str, Any]]) -> list[str]:
    measured = [row for row in rows if "skipped" not in row]
    lines = ["## Networks and engines", ""]
    header = (
        "Network",
        "Engine",
        "Audio s per s",
        "Windows per s",
        "Efficiency",
        "Memory, MB",
        "`predict`, s",
    )
    lines += table(header, (_network_row(row) for row in measured), left=2)
    matrix = [row["matrix_gflops"] for row in measured if row["matrix_gflops"]]
    lines += [
        "",
        "Every network has its default layer and hop; the engine in bold is its default. Audio s "
        "per s: seconds of audio in a second, from Ogg files into a new store. Windows per s: by "
        "the network alone. Memory: the most that the extracting process held. `predict`: from "
        "typing the command to its end, for a recording of 10 s.",
    ]
    if matrix:
        lines += [
            "",
            "Efficiency: the operations of the network alone, in the time it takes, relative to "
            f"float32 matrix products on all cores ({_range(matrix)} GFLOP/s). Convolutions count "
            "as written down, so that a faster method can exceed 1.",
        ]
    if any(row["weights"] == LABEL for row in measured):
        lines += ["", "\\* Random weights in the published layout, which are only good for speed."]
    lines += [
        *_left_out(rows),
        "",
        "Where the time of the cores goes, in percent, and what is lost:",
        "",
    ]
    parts = [part.replace("_", " ") for part in PARTS]
    columns = ("Network", "Engine", *parts, "wall / bound")
    lines += table(columns, (_parts_row(row) for row in measured), left=2)
    return lines + _exports(measured)


def _network_row(row: Found) -> Row:
    alone = row["network_efficiency"]
    return (
        _name(row),
        f"**{row['engine']}**" if row["engine"] and row["default"] else row["engine"],
        _number(row["rate"]),
        _number(row["windows_per_s"]),
        "" if alone is None else f"{alone:.2f}",
        f"{row['peak_mb']:.0f}",
        f"{row['predict_s']:.2f}",
    )


def _parts_row(row: Found) -> Row:
    shares = (f"{100 * row['shares'][part]:.1f}" for part in PARTS)
    return (_name(row), row["engine"], *shares, f"{row['wall_over_bound']:.2f}")


def _packages(found: Found) -> list[str]:
    writers = {"birdnet": _birdnet, "musicnn": _musicnn}
    lines = ["## Compared with published packages"]
    for name, row in found.items():
        if "skipped" in row:
            lines += ["", f"{name}: not measured: {row['skipped']}"]
        else:
            lines += ["", *writers[name](row)]
    return lines


def _birdnet(row: Found) -> list[str]:
    rates, scores = row["rates"], row["scores"]
    package = f"`{row['package']}`"
    lines = table(
        ("`birdnet`, windows of 3 s, no overlap", "Audio s per s", "audiotl is faster by"),
        [
            (f"{package}, which uses one core", _number(rates["theirs"]), ""),
            ("audiotl on one core", _number(rates["one_core"]), f"{row['ratio_one_core']:.1f}"),
            ("audiotl", _number(rates["ours"]), f"{row['ratio']:.1f}"),
        ],
    )
    windows = row["n_windows"]
    lines += [
        "",
        f"{row['n_recordings']} recordings, {row['audio_s']:.0f} s; {windows['theirs']} windows by "
        f"the package, {windows['ours']} by audiotl; loading the network is not included.",
    ]
    if scores["n"]:
        lines[-1] += (
            f" The package's {scores['n']} scores of 0.1 or more differ from audiotl's by up to "
            f"{scores['largest_difference']:.4f} (median {scores['median_difference']:.5f}); the "
            "two resample differently."
        )
    return lines


def _musicnn(row: Found) -> list[str]:
    rates, package = row["rates"], f"`{row['package']}`"
    short, long = row["lengths_s"]
    return [
        *table(
            ("`musicnn`, hop 1 s", "Audio s per s", "audiotl is faster by"),
            [
                (f"{package}, embeddings", _number(rates["features"]), f"{row['ratio']:.1f}"),
                (f"{package}, tags only", _number(rates["taggram"]), f"{row['ratio_taggram']:.1f}"),
                ("audiotl", _number(rates["ours"]), ""),
            ],
        ),
        "",
        f"Between recordings of {short:.0f} and {long:.0f} s, so that the start, which the package "
        "repeats at every call, counts for neither.",
    ]


def _exports(rows: list[dict[str, Any]]) -> list[str]:
    wholes = [{"network": row["network"], **row["whole"]} for row in rows if "whole" in row]
    cells = [
        (
            f"`{row['network']}`",
            _number(row["rates"]["whole"]),
            _number(row["rates"]["extract"]),
            f"{row['times']:.2f}",
            f"{row['size_mb']:.1f}",
        )
        for row in wholes
        if "skipped" not in row
    ]
    header = ("Network", "File, audio s per s", "`extract`", "File takes, times", "File, MB")
    return [
        "",
        "Files of `model export --whole`; a file takes a waveform at the sample rate of its "
        "network, and so does `extract` here, and both use all cores:",
        "",
        *table(header, cells),
        *_left_out(wholes),
    ]


def _left_out(rows: list[dict[str, Any]]) -> list[str]:
    skipped = [row for row in rows if "skipped" in row]
    names = (f"`{row['network']}` {row.get('engine', '')}".strip() for row in skipped)
    lines = [f"- {name}: {row['skipped']}" for name, row in zip(names, skipped, strict=True)]
    return ["", "Not measured:", "", *lines] if lines else []


def _startup(found: Found) -> list[str]:
    rows = [(f"`{name}`", f"{seconds:.2f}") for name, seconds in found["median_s"].items()]
    note = f"Median of {found['n_rounds']}, from typing the command to its end."
    return ["## Start-up", "", *table(("Command", "s"), rows), "", note]


def _growth(found: Found) -> list[str]:
    rows = [
        (f"{row['n_clips']} clips of 0.25 s", f"{row['clip_ms']:.2f}", *_times(row))
        for row in found["clips"]
    ]
    rows += [
        (f"{row['length_s'] / 60:.0f} min, 48 kHz, stereo", "", *_times(row))
        for row in found["long"]
    ]
    header = ("Recordings, stub as network", "ms per clip", "s", "second run, s", "memory, MB")
    return [
        "## Growth",
        "",
        *table(header, rows),
        "",
        f"The longest recording takes {found['long_more_mb']:+.1f} MB more than a minute.",
    ]


def _times(row: Found) -> tuple[str, str, str]:
    return f"{row['wall_s']:.2f}", f"{row['again_s']:.2f}", f"{row['peak_mb']:.0f}"


def _name(row: Found) -> str:
    mark = " \\*" if row["weights"] == LABEL else ""
    return f"`{row['network']}`{mark}"


def _number(value: float) -> str:
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"


def _range(values: Sequence[float]) -> str:
    low, high = f"{min(values):.0f}", f"{max(values):.0f}"
    return low if low == high else f"{low} to {high}"


def main() -> None:
    named = [Path(word) for word in sys.argv[1:]]
    source, target = (*named, *(JSON, PAGE)[len(named) :])
    if not source.is_file():
        sys.exit(f"{source} does not exist; measure first: make bench")
    target.write_text(page(json.loads(source.read_text(encoding="utf-8"))), encoding="utf-8")
    print(target)


if __name__ == "__main__":
    main()
