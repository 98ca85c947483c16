"""``audiotl review``."""

from __future__ import annotations

import getpass
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiotl_cli.cli import options, output, settings, terminal
from audiotl_cli.cli.detection_options import Chosen, Sources
from audiotl_cli.cli.show_left_out import show_left_out
from audiotl_cli.cli.spread import spread
from audiotl_cli.errors import UsageError

if TYPE_CHECKING:
    from audiotl_cli.workflows.review import Review

EXAMPLES = (
    "Examples:  audiotl review night.csv   |   audiotl review night.csv --label owl --select even "
    "--limit 40   |   audiotl review night.csv --set night.wav:12.3:owl=wrong   |   "
    "audiotl review night.csv --from other.verdicts.csv"
)


@spread
def review(
    sources: Sources,
    *,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of detections to choose, of each label in turn; those with a verdict are "
            "not asked for again.  [default: all]",
        ),
        settings.FREE,
    ] = None,
    answers: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH:START:LABEL=VERDICT",
            help="Write a verdict without asking: right, wrong, unsure or other:LABEL; repeat for "
            "several.",
        ),
        settings.TYPED,
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            "--from", parser=options.path, help="Add the verdicts of another table, such as CSV."
        ),
        settings.TYPED,
    ] = None,
    verdicts: Annotated[
        Path | None,
        typer.Option(
            "--verdicts",
            parser=options.path,
            help="Table of verdicts to write to.  [default: NAME.verdicts.csv beside the "
            "detections]",
        ),
        settings.TYPED,
    ] = None,
    reviewer: Annotated[
        str | None,
        typer.Option(help="Name that verdicts are signed with.  [default: the user's]"),
        settings.FREE,
    ] = None,
    chosen: Chosen,
) -> None:
    """Judge detections by ear: right, wrong, another label, or unsure."""
    from audiotl_cli.workflows.review import Review, ReviewRequest

    given = bool(answers) or table is not None
    if not (given or output.state.json or terminal.is_interactive()):
        raise UsageError(
            "review asks in a terminal, and this is none; write verdicts with --set or --from, or "
            "count them with --json"
        )
    name = _user() if reviewer is None else reviewer
    request = ReviewRequest(sources, verdicts, limit, name, chosen.wanted(), chosen.choice())
    found = Review(request)
    _warn_of_missing(found)
    if not given and not output.state.json:
        from audiotl_cli.cli.review_session import ReviewSession

        output.state.after_interrupt = f"every verdict is in {found.table}"
        ReviewSession(found).run()
        output.next_command(f"audiotl cut {' '.join(shlex.quote(str(path)) for path in sources)}")
        return
    n_written = _write(found, answers or [], table)
    output.result(_record(found, n_written), lambda: _show(found, n_written))


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user without a name, or Windows
        return ""


def _write(found: Review, texts: list[str], table: Path | None) -> int:
    """Write the verdicts that were given; all texts are understood before the first is written."""
    from audiotl_cli.review.verdict_texts import read_verdict_text

    judged = [read_verdict_text(text, found.read.found) for text in texts]
    n_merged = 0 if table is None else found.merge(table)
    for detection, verdict, correct_label in judged:
        found.judge(detection, verdict, correct_label)
    return n_merged + len(judged)


def _warn_of_missing(found: Review) -> None:
    missing = found.read.missing
    if missing:
        first = next(iter(missing))
        output.warn(
            f"{len(missing)} recordings were not found and cannot be played, such as {first}; name "
            "their folder with --audio-root"
        )


def _record(found: Review, n_written: int) -> dict[str, Any]:
    progress = found.progress()
    return {
        "verdicts": str(found.table),
        "n_detections": len(found.read.found),
        "n_chosen": progress.n_chosen,
        "n_judged": progress.n_judged,
        "n_written": n_written,
        "labels": progress.counts,
        "missing": found.read.missing,
        "left_out": [{"reason": group.reason, "n": group.n} for group in found.read.left_out],
    }


def _show(found: Review, n_written: int) -> None:
    progress = found.progress()
    output.line(f"{found.table}: {n_written} verdicts written", style="bold")
    output.line(f"{progress.n_judged} of {progress.n_chosen} detections have a verdict")
    names = ("right", "wrong", "other", "unsure")
    grid = output.table("label", *names, numbers=names)
    for label, counts in progress.counts.items():
        grid.add_row(output.clean(label), *(str(counts[name]) for name in names))
    output.show(grid)
    show_left_out(found.read.left_out, output.line)
