"""``audiotl cut``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from audiotl_cli.cli import options, output, settings
from audiotl_cli.cli.detection_options import Chosen, Sources
from audiotl_cli.cli.show_left_out import show_left_out
from audiotl_cli.cli.spread import spread
from audiotl_cli.text import counted

if TYPE_CHECKING:
    from audiotl_cli.workflows.cut import CutReport

EXAMPLES = (
    "Examples:  audiotl cut night.json --out clips   |   audiotl cut night.csv --out clips "
    "--max-per-label 50 --select even --padding-s 0.5   |   audiotl index clips"
)


@spread
def cut(
    sources: Sources,
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            parser=options.path,
            metavar="FOLDER",
            help="Folder to write clips to.  [default: clips]",
        ),
        settings.TYPED,
    ] = None,
    max_per_label: Annotated[
        int | None,
        typer.Option("--max-per-label", min=1, help="Most clips of a label.  [default: all]"),
        settings.FREE,
    ] = None,
    padding_s: Annotated[
        float,
        typer.Option("--padding-s", min=0, help="Seconds before and after each detection."),
        settings.FREE,
    ] = 0.0,
    format_: Annotated[
        Literal["wav", "flac"], typer.Option("--format", help="Format of the clips."), settings.FREE
    ] = "wav",
    chosen: Chosen,
) -> None:
    """Cut detections or annotations out of recordings, into a folder for each label."""
    from audiotl_cli.review.cut import CutOptions
    from audiotl_cli.workflows.cut import CutRequest, cut_detections

    folder = out or Path("clips")
    request = CutRequest(
        sources,
        folder,
        max_per_label,
        chosen.wanted(),
        chosen.choice(),
        CutOptions(padding_s, format_),
    )
    output.state.after_interrupt = "clips that were cut are kept; the same command goes on"
    with output.progress("Cutting", "detections") as update:
        report = cut_detections(request, lambda done, total: update(done, total, 0.0))
    output.result(_record(report), lambda: _show(report))
    names = [
        (f"{detection.path}:{detection.start_s:g}-{detection.end_s:g}", str(error))
        for detection, error in report.failures
    ]
    output.failures(names)
    if report.failures:
        raise typer.Exit(1)
    output.next_command(f"audiotl index {shlex.quote(str(folder))}")


def _record(report: CutReport) -> dict[str, Any]:
    return {
        "folder": str(report.folder),
        "table": str(report.table),
        "n_cut": report.n_cut,
        "n_skipped": report.n_skipped,
        "n_failed": len(report.failures),
        "labels": report.labels,
        "failures": [
            {
                "path": detection.path,
                "start_s": detection.start_s,
                "end_s": detection.end_s,
                "label": detection.label,
                "stage": error.stage,
                "code": error.code,
                "message": str(error),
            }
            for detection, error in report.failures
        ],
        "left_out": [{"reason": group.reason, "n": group.n} for group in report.left_out],
    }


def _show(report: CutReport) -> None:
    earlier = f", {report.n_skipped} there from an earlier run" if report.n_skipped else ""
    output.line(f"{report.folder}: {counted(report.n_cut, 'clip')} cut{earlier}", style="bold")
    grid = output.table("label", "clips", numbers=("clips",))
    for label, n in report.labels.items():
        grid.add_row(output.clean(label), str(n))
    output.show(grid)
    if report.n_cut + report.n_skipped:
        output.line(f"Sources of the clips: {report.table}")
    show_left_out(report.left_out, output.line)
