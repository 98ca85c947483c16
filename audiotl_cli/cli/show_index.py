"""An index on the screen: what is in it, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from audiotl_cli.audio.limits import ODD_RATE, TOO_SHORT_S
from audiotl_cli.cli import output
from audiotl_cli.cli.show_dataset import show_comparison

if TYPE_CHECKING:
    from rich.text import Text

    from audiotl_cli.dataset.index import Clip
    from audiotl_cli.workflows.index import IndexReport

SPLITS = ("train", "valid", "test")
COLOURS = {"train": "blue", "valid": "magenta", "test": "yellow", "": "blue"}
MOST_LABELS = 60
MOST_BAR, LEAST_BAR = 30, 8  # columns
NUMBER = 8  # columns that one more number takes
ROOM_FOR_TABLE = 90  # columns, below which problems are listed instead
EXAMPLES = 3
FAMILIES = 2  # sounds that several clips have
MOST_CHANGES = 10

GRAVE = {"unreadable", "empty", "silent", "label_conflict", "split_leak"}
ADVICE = {
    "unreadable": "get the files anew; --fix leaves them out",
    "empty": "no samples; --fix leaves them out",
    "silent": "nothing is heard; --fix leaves them out",
    "clipped": "recorded too loud; take a quieter recording if there is one",
    "dc_offset": "the samples' mean is not 0; a high-pass filter takes it out",
    "too_short": f"below {TOO_SHORT_S:g} s, networks see more padding than sound",
    "truncated": "the end of the file is missing: copy it again",
    "upsampled": "brought up from a lower rate; if only some labels are, they give themselves away",
    "duplicate": "the same samples; --fix keeps one of each",
    "near_duplicate": "nearly the same sound; --fix puts them into one group",
    "label_conflict": "one sound under two labels: decide; --fix leaves them out",
    "split_leak": "one sound on both sides, so that scores are too good; --fix, or a group",
}
PARTNERS = {"duplicate", "near_duplicate", "label_conflict", "split_leak"}


def value(report: IndexReport) -> dict[str, Any]:
    """Return what the screen shows, as JSON has it."""
    clips = report.index.clips
    lengths = _lengths(clips)
    known = bool(lengths)
    return {
        "problems": report.problems,
        "label_splits": {
            label: dict(Counter(clip.split for clip in own if clip.split))
            for label, own in _by_label(clips).items()
        },
        "duration_s": {
            "total": round(sum(lengths), 3), "shortest": lengths[0],
            "median": round(median(lengths), 6), "longest": lengths[-1],
        } if known else None,
        "sample_rates": {str(rate): n for rate, n in _tally(clips, "sample_rate")},
        "channels": {str(n): count for n, count in _tally(clips, "channels")},
        "same_sound": [[clips[i].path for i in one] for one in report.kin.families()],
        "changes": [asdict(change) for change in report.changes],
    }  # fmt: skip


def show(report: IndexReport, path: Path) -> None:
    """Print what is in an index."""
    index = report.index
    clips = index.clips
    lengths = _lengths(clips)
    audio = f", {output.duration(sum(lengths))} of audio" if lengths else ""
    output.line(f"{path}: {len(clips)} clips, {len(index.labels())} labels{audio}", style="bold")
    _show_labels(clips)
    if report.comparison:
        show_comparison(report.comparison)
    groups, folds = index.counts("group"), index.counts("fold")
    if groups or folds:
        output.line(f"{_count(len(groups), 'group')}, {_count(len(folds), 'fold')}")
    if lengths:
        _show_sound(clips, lengths)
    _show_changes(report)
    if report.problems:
        _show_problems(report)


def _show_labels(clips: Sequence[Clip]) -> None:
    from rich.text import Text

    rows = _by_label(clips)

    held = Counter(clip.split for clip in clips)
    splits = [split for split in SPLITS if held[split]]
    numbers = ("clips", *splits, "minutes")
    name = max(len(output.clean(label)) for label in [*rows, "label"])
    room = output.console().width - min(name, 30) - NUMBER * len(numbers) - 5
    bar = min(MOST_BAR, room)
    grid = output.table("label", *numbers, *([""] if bar >= LEAST_BAR else []), numbers=numbers)
    marks = _marks(splits)
    most = max(map(len, rows.values()))
    for label, own in list(rows.items())[:MOST_LABELS]:
        counts = [sum(clip.split == split for clip in own) for split in splits]
        minutes = sum(clip.duration_s or 0.0 for clip in own) / 60
        cells: list[str | Text] = [output.clean(label or "(no label)"), str(len(own))]
        cells += [*map(str, counts), f"{minutes:.1f}"]
        if bar >= LEAST_BAR:
            parts = dict(zip(splits, counts, strict=True)) or {"": len(own)}
            cells.append(_bar(parts, marks, bar / most))
        grid.add_row(*cells)
    output.show(grid)
    if len(rows) > MOST_LABELS:
        output.line(f"... and {len(rows) - MOST_LABELS} more labels; --json has all")
    if bar >= LEAST_BAR and len(splits) > 1:
        key = [part for split in splits for part in ((marks[split], COLOURS[split]), f" {split}  ")]
        output.show(Text.assemble(*key))


def _marks(splits: Sequence[str]) -> Mapping[str, str]:
    """Return the sign of every split: colours may not be there."""
    signs = "█▒░" if output.console().encoding.startswith("utf") else "#=-"
    return dict(zip(splits or [""], signs, strict=False))


def _bar(parts: Mapping[str, int], marks: Mapping[str, str], columns_a_clip: float) -> Text:
    from rich.text import Text

    bar, at = Text(no_wrap=True), 0.0
    for part, n in parts.items():
        start, at = at, at + n * columns_a_clip
        width = round(at) - round(start)
        bar.append(marks[part] * (max(width, 1) if n else 0), COLOURS[part])
    return bar


def _show_sound(clips: Sequence[Clip], lengths: Sequence[float]) -> None:
    shortest, longest = lengths[0], lengths[-1]
    spread = f"{shortest:.2f} to {longest:.2f} s, median {median(lengths):.2f} s"
    if output.console().encoding.startswith("utf") and longest > 1.05 * shortest:
        spread += f"  {_histogram(lengths)}"
    output.line(f"length    {spread}")
    rates = _tally(clips, "sample_rate")
    output.line("rate      " + ", ".join(f"{rate / 1000:g} kHz: {n}" for rate, n in rates))
    names = {1: "mono", 2: "stereo"}
    output.line(
        "channels  "
        + ", ".join(f"{names.get(n, str(n))}: {count}" for n, count in _tally(clips, "channels"))
    )
    low = sum(n for rate, n in rates if rate < ODD_RATE)
    if low:
        output.line(
            f"{low} of {len(lengths)} clips have less than {ODD_RATE / 1000:g} kHz: the networks' "
            "upper bands stay empty; compare them only among themselves",
            style="yellow",
        )


def _histogram(lengths: Sequence[float], n_bins: int = 16) -> str:
    low, high = lengths[0], lengths[-1]
    counts = Counter(min(int((s - low) / (high - low) * n_bins), n_bins - 1) for s in lengths)
    top = max(counts.values())
    return "".join(
        "▁▂▃▄▅▆▇█"[max(0, -(-counts[i] * 8 // top) - 1)] if counts[i] else " "
        for i in range(n_bins)
    )


def _show_changes(report: IndexReport) -> None:
    for action, done in (("dropped", "left out"), ("grouped", "put into a group")):
        rows = [change for change in report.changes if change.action == action]
        if not rows:
            continue
        output.line(f"{_count(len(rows), 'clip')} {done}:", style="bold")
        for change in rows[:MOST_CHANGES]:
            detail = f": {change.detail}" if change.detail else ""
            output.line(f"  {change.path}  {change.reason}{detail}")
        if len(rows) > MOST_CHANGES:
            output.line(f"  ... and {len(rows) - MOST_CHANGES} more; --json has all")


def _show_problems(report: IndexReport) -> None:
    from rich.text import Text

    n = len({clip.path for clip in report.index.clips if clip.problems})
    output.line(f"{_count(n, 'clip')} with problems", style="bold")
    wide = output.console().width >= ROOM_FOR_TABLE
    grid = output.table("problem", "clips", "for example", "what to do", numbers=("clips",))
    for code, paths in report.problems.items():
        style = "bold red" if code in GRAVE else "yellow"
        examples = _examples(report, code)
        advice = ADVICE.get(code, "")
        if wide:
            shown = Text("\n".join(output.clean(text) for text in examples), overflow="fold")
            grid.add_row(Text(code, style), str(len(paths)), shown, advice)
        else:
            output.line(f"{code}: {_count(len(paths), 'clip')}", style=style)
            for text in examples:
                output.line(f"  {text}")
            output.line(f"  {advice}", style="dim")
    if wide:
        output.show(grid)


def _examples(report: IndexReport, code: str) -> list[str]:
    """Return some clips with a problem, each followed by those it has it with."""
    clips = report.index.clips
    if code not in PARTNERS:
        paths = report.problems[code]
        more = [f"... {len(paths) - EXAMPLES} more"] if len(paths) > EXAMPLES else []
        return [*paths[:EXAMPLES], *more]
    families = [
        [clips[i] for i in one if code in clips[i].problems.split(";")]
        for one in report.kin.families()
    ]
    having = [one for one in families if one]
    lines = []
    for one in having[:FAMILIES]:
        first, *others = [f"{clip.path}{_aside(clip, code)}" for clip in one[:EXAMPLES]]
        lines += [first, *(f"= {other}" for other in others)]
    rest = len(having) - FAMILIES
    more = [f"... {_count(rest, 'more sound')}"] if rest > 0 else []
    return [*lines, *more]


def _aside(clip: Clip, code: str) -> str:
    """Return what of a clip matters for a problem, in brackets."""
    fold = f"fold {clip.fold}" if clip.fold else ""
    aside = {
        "label_conflict": clip.label or "no label",
        "split_leak": ", ".join(filter(None, (clip.split, fold))),
    }
    return f" ({aside[code]})" if code in aside else ""


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _by_label(clips: Sequence[Clip]) -> dict[str, list[Clip]]:
    """Return the clips of every label, by label; those without one under the empty text."""
    from audiotl_cli.dataset.index import clip_labels

    found: dict[str, list[Clip]] = {}
    for clip in clips:
        for label in clip_labels(clip) or [""]:
            found.setdefault(label, []).append(clip)
    return dict(sorted(found.items()))


def _lengths(clips: Sequence[Clip]) -> list[float]:
    return sorted(clip.duration_s for clip in clips if clip.duration_s is not None)


def _tally(clips: Sequence[Clip], column: str) -> list[tuple[int, int]]:
    """Return the values of a column of numbers, and how many clips have each, most first."""
    counts = Counter(getattr(clip, column) for clip in clips)
    del counts[None]
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
