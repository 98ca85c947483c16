"""An index on the screen and as JSON: its clips and their problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from audiotl_cli.audio.limits import LOW_RATE
from audiotl_cli.cli import output
from audiotl_cli.cli.pace import duration
from audiotl_cli.cli.show_dataset import show_comparison
from audiotl_cli.cli.show_left_out import show_left_out
from audiotl_cli.dataset.problems.registry import Problem, all_problems
from audiotl_cli.text import counted

if TYPE_CHECKING:
    from rich.text import Text

    from audiotl_cli.dataset.index import Clip
    from audiotl_cli.workflows.index import IndexReport

SPLITS = ("train", "valid", "test")
COLOURS = {"train": "blue", "valid": "magenta", "test": "yellow", "": "blue"}
MOST_LABELS = 60
MOST_BAR, LEAST_BAR = 30, 8  # columns
NUMBER = 8  # columns of the screen that a number takes
WIDTH_OF_TABLE = 90  # columns; on a narrower screen, problems are a list
EXAMPLES = 3
EXAMPLE_GROUPS = 2  # groups of duplicates
MOST_CHANGES = 10


def value(report: IndexReport) -> dict[str, Any]:
    """Return what the screen shows as values for JSON."""
    clips = report.index.clips
    lengths = _lengths(clips)
    reading = report.reading
    return {
        "failures": [
            {"path": path, "message": message} for path, message in report.failures.items()
        ],
        "columns": reading and {**reading.described(), "not_used": reading.unused()},
        "problems": report.problems,
        "label_splits": {
            label: dict(Counter(clip.split for clip in own if clip.split))
            for label, own in _by_label(clips).items()
        },
        "duration_s": {
            "total": round(sum(lengths), 3), "shortest": lengths[0],
            "median": round(median(lengths), 6), "longest": lengths[-1],
        } if lengths else None,
        "sample_rates": {str(rate): n for rate, n in _tally(clips, "sample_rate")},
        "channels": {str(n): count for n, count in _tally(clips, "channels")},
        "same_sound": [[clips[i].path for i in group] for group in report.duplicates.groups()],
        "changes": [asdict(change) for change in report.changes],
        "reasons": report.reasons,
        "left_out": [asdict(group) for group in report.left_out],
        "suspected_groups": suspected.to_dict() if (suspected := report.suspected_groups) else None,
    }  # fmt: skip


def show(report: IndexReport, path: Path) -> None:
    """Print what is in an index."""
    index = report.index
    clips = index.clips
    lengths = _lengths(clips)
    audio = f", {duration(sum(lengths))} of audio" if lengths else ""
    labels = counted(len(index.labels()), "label")
    output.line(f"{path}: {counted(len(clips), 'clip')}, {labels}{audio}", style="bold")
    _show_labels(clips)
    if report.comparison:
        show_comparison(report.comparison)
    groups, folds = index.counts("group"), index.counts("fold")
    if groups or folds:
        dealt = {"group": groups, "fold": folds}
        output.line(", ".join(counted(len(found), noun) for noun, found in dealt.items() if found))
    if lengths:
        _show_sound(clips, lengths)
    _show_changes(report)
    if report.problems:
        _show_problems(report)
    show_left_out(report.left_out, output.line)


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
    """Return the character that stands for every split, as colours may be missing."""
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
    low = sum(n for rate, n in rates if rate < LOW_RATE)
    if low:
        output.line(
            f"{low} of {len(lengths)} clips have a sample rate below {LOW_RATE / 1000:g} kHz: the "
            "networks' upper bands stay empty; do not mix them with clips of higher rates",
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
        output.line(f"{counted(len(rows), 'clip')} {done}:", style="bold")
        for change in rows[:MOST_CHANGES]:
            detail = f": {change.detail}" if change.detail else ""
            output.line(f"  {change.path}  {change.reason}{detail}")
        if len(rows) > MOST_CHANGES:
            output.line(f"  ... and {len(rows) - MOST_CHANGES} more; --json has all")


def _show_problems(report: IndexReport) -> None:
    from rich.text import Text

    n = len({clip.path for clip in report.index.clips if clip.problems})
    output.line(f"{counted(n, 'clip')} with problems", style="bold")
    wide = output.console().width >= WIDTH_OF_TABLE
    grid = output.table("problem", "clips", "for example", "what to do", numbers=("clips",))
    for problem in all_problems().values():
        if problem.code not in report.problems:
            continue
        n_having = len(report.problems[problem.code])
        style = "bold red" if problem.is_serious else "yellow"
        examples = _examples(report, problem)
        if wide:
            shown = Text("\n".join(output.clean(text) for text in examples), overflow="fold")
            grid.add_row(Text(problem.code, style), str(n_having), shown, problem.advice)
        else:
            output.line(f"{problem.code}: {counted(n_having, 'clip')}", style=style)
            for text in examples:
                for part in wrap(output.clean(text), output.console().width - 2):
                    output.line(f"  {part}")
            output.line(f"  {problem.advice}", style="dim")
    if wide:
        output.show(grid)


def _examples(report: IndexReport, problem: Problem) -> list[str]:
    """Return some clips with a problem, each followed by those it has it with."""
    clips = report.index.clips
    if not problem.is_shared:
        paths = _by_reason(report.problems[problem.code], report.reasons)
        more = [f"... {len(paths) - EXAMPLES} more"] if len(paths) > EXAMPLES else []
        return [*paths[:EXAMPLES], *more]
    groups = [
        [clips[i] for i in group if problem.code in clips[i].problems.split(";")]
        for group in report.duplicates.groups()
    ]
    groups = [group for group in groups if group]
    lines = []
    for group in groups[:EXAMPLE_GROUPS]:
        first, *others = [_with_detail(clip, problem) for clip in group[:EXAMPLES]]
        lines += [first, *(f"= {other}" for other in others)]
    n_more = len(groups) - EXAMPLE_GROUPS
    more = [f"... {counted(n_more, 'more sound')}"] if n_more > 0 else []
    return [*lines, *more]


def _by_reason(paths: Sequence[str], reasons: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a line for each reason why recordings cannot be read, then the other paths."""
    reason_of = {path: reason for reason, same in reasons.items() for path in same}
    same = Counter(reason_of[path] for path in paths if path in reason_of)
    lines: dict[str, None] = {}
    for path in paths:
        if (reason := reason_of.get(path)) is None:
            lines[path] = None
        elif n := same.pop(reason, 0):
            lines[f"{path}{f' and {n - 1} more' if n > 1 else ''}: {reason}"] = None
    return list(lines)


def _with_detail(clip: Clip, problem: Problem) -> str:
    detail = problem.detail(clip)
    return f"{clip.path} ({detail})" if detail else clip.path


def _by_label(clips: Sequence[Clip]) -> dict[str, list[Clip]]:
    """Return the clips of every label; those without a label under the empty string."""
    from audiotl_cli.dataset.index import clip_labels

    found: dict[str, list[Clip]] = {}
    for clip in clips:
        for label in clip_labels(clip) or [""]:
            found.setdefault(label, []).append(clip)
    return dict(sorted(found.items()))


def _lengths(clips: Sequence[Clip]) -> list[float]:
    return sorted(clip.duration_s for clip in clips if clip.duration_s is not None)


def _tally(clips: Sequence[Clip], column: str) -> list[tuple[int, int]]:
    """Return the values of a column and how many clips have each, the most frequent first."""
    counts = Counter(getattr(clip, column) for clip in clips)
    del counts[None]
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
