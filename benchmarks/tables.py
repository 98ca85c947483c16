"""Print the results as tables, 100 columns wide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.arithmetic import PARTS

WIDTH = 100


def show(found: Mapping[str, Any]) -> None:
    """Print all results."""
    console = Console(highlight=False, width=WIDTH)
    machine, audio = found["machine"], found["audio"]
    console.print(
        f"\n{machine['cpu']}, {machine['cores']} cores, {machine['system']}, Python "
        f"{machine['python']}; load {machine['load_before']} before, {machine['load_after']} after"
    )
    console.print(
        f"Audio: {audio['name']}, {audio['n_recordings']} recordings, {audio['audio_s']:.0f} s, "
        f"{', '.join(map(str, audio['sample_rates']))} Hz\n"
    )
    if "extractors" in found:
        _show_extractors(console, found["extractors"])
    if "published" in found:
        _show_published(console, found["published"])
    if "startup" in found:
        _show_startup(console, found["startup"])
    if "growth" in found:
        _show_growth(console, found["growth"])


def _table(title: str, *columns: str, left: int = 1) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < left else "right", no_wrap=True)
    return table


def _show_extractors(console: Console, rows: list[dict[str, Any]]) -> None:
    measured = [row for row in rows if "skipped" not in row]
    columns = ("extractor", "engine", "OGG", "WAV", "bound", "wall/\nbound", "network\nalone")
    more = ("efficiency\nalone", "end\nto end", "start\ns", "peak\nMB")
    speeds = _table("Seconds of audio per second", *columns, *more, left=2)
    for row in measured:
        ogg = row["ogg"]
        speeds.add_row(
            _name(row),
            row["engine"],
            _rate(ogg["rate"]),
            _rate(row["wav"]["rate"]),
            _rate(row["audio_s"] / ogg["bound_s"]),
            f"{ogg['wall_over_bound']:.2f}",
            _rate(row["network_rate"]),
            _share(row["network_efficiency"]),
            _share(ogg["efficiency"]),
            f"{row['start_s']:.1f}",
            f"{row['peak_mb']:.0f}",
        )
    console.print(speeds)
    rates = [row["matrix_gflops"] for row in measured if row["matrix_gflops"]]
    notes = [
        "OGG, WAV: extraction into a new store, without start-up (import, weights, first batch).",
        "bound: from OGG, the sum of the parts over the cores. Network alone: on all cores.",
    ]
    if rates:
        notes.append(
            "efficiency: the convolutions' arithmetic over the time, alone or from OGG, over a "
            f"matrix product's\nrate ({min(rates):.0f} to {max(rates):.0f} GFLOP/s, float32, all "
            "cores). peak: the most memory held."
        )
    if any(row["weights"] == "random" for row in measured):
        notes.append("* random weights, speed only")
    for note in notes:
        console.print(note)
    for row in rows:
        if "skipped" in row:
            console.print(f"Not measured: {row['name']} by {row['engine']}: {row['skipped']}")
    console.print()
    names = [part.replace("_", " ") for part in PARTS]
    parts = _table("Where the cores' time goes, %, from OGG", "extractor", "engine", *names, left=2)
    for row in measured:
        taken = (f"{100 * row['ogg']['shares'][part]:.1f}" for part in PARTS)
        parts.add_row(_name(row), row["engine"], *taken)
    console.print(parts)


def _show_published(console: Console, found: Mapping[str, Any]) -> None:
    if "skipped" in found:
        console.print(f"Published MusiCNN package: not measured, {found['skipped']}\n")
        return
    short, long = found["lengths_s"]
    table = _table(
        "MusiCNN compared with its published package",
        "hop 1 s",
        "audio s per second",
        "audiotl is faster by",
    )
    table.add_row("audiotl", _rate(found["ours"]["rate"]), "")
    for name, ratio, name_ in (
        ("features", "ratio", "published, with embeddings"),
        ("taggram", "ratio_taggram", "published, tags only"),
    ):
        table.add_row(name_, _rate(found[name]["rate"]), f"{found[ratio]:.2f}")
    console.print(table)
    console.print(
        f"Rates between files of {short:.0f} and {long:.0f} s, so that the start falls out of all "
        f"three. One call of\nthe package for the first recording of the set takes "
        f"{found['one_clip_s']:.1f} s, as it builds its graph anew.\n"
    )


def _show_startup(console: Console, found: Mapping[str, Any]) -> None:
    table = _table("From call to end, seconds, median", "command", "s", "command ", "s ", left=1)
    table.columns[2].justify = "left"
    rows = [(name, f"{seconds:.2f}") for name, seconds in found["median_s"].items()]
    half = -(-len(rows) // 2)
    for left, right in zip(rows[:half], [*rows[half:], ("", "")], strict=False):
        table.add_row(*left, *right)
    console.print(table)
    console.print(
        f"predict takes {found['predict_over_import']:.2f} times as long as importing TensorFlow "
        f"(median of {found['n_rounds']})\n"
    )


def _show_growth(console: Console, found: Mapping[str, Any]) -> None:
    table = _table("Stub network", "what", "ms per clip", "s", "again s", "MB")
    for row in found["clips"]:
        clips = f"{row['n_clips']} clips of 0.25 s"
        table.add_row(clips, f"{row['clip_ms']:.2f}", *_times(row))
    for row in found["long"]:
        table.add_row(f"{row['length_s'] / 60:.0f} min, 48 kHz, stereo", "", *_times(row))
    console.print(table)
    console.print(f"The longest recording takes {found['long_more_mb']:+.1f} MB more than a minute")


def _times(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return f"{row['wall_s']:.2f}", f"{row['again_s']:.2f}", f"{row['peak_mb']:.0f}"


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['name']} *" if row["weights"] == "random" else str(row["name"])


def _rate(rate: float) -> str:
    return f"{rate:.{2 if rate < 10 else 1 if rate < 100 else 0}f}"


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.2f}"
