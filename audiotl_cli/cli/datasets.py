"""``audiotl datasets``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from audiotl_cli.cli import options, output
from audiotl_cli.cli.show_dataset import comparison_value, show_comparison
from audiotl_cli.cli.spread import spread

if TYPE_CHECKING:
    from audiotl_cli.workflows.datasets import DataSetInfo

app = typer.Typer(no_args_is_help=True, help="List the data sets known by name, and fetch them.")


@app.command("list", epilog="Example:  audiotl datasets list")
@spread
def list_() -> None:
    """Show the data sets whose labels, folds, splits and groups are known."""
    from audiotl_cli.workflows.datasets import all_datasets

    found = all_datasets(options.project())
    output.result([_value(known) for known in found], lambda: _show(found))


@app.command(epilog="Example:  audiotl datasets fetch esc50")
@spread
def fetch(
    name: Annotated[str, typer.Argument(help="A name in: audiotl datasets list")],
) -> None:
    """Fetch a data set into data/audio/NAME, checked and unpacked.

    If it is interrupted, the same command continues the download. Exit code 1: the data set was
    fetched, but some of its clips are missing.
    """
    from audiotl_cli.workflows.datasets import fetch_dataset

    with output.progress(f"Fetching {name}", "MB") as update:
        report = fetch_dataset(
            options.project(),
            name,
            lambda _, done, total: update(round(done / 1e6), round(total / 1e6), 0.0),
        )
    found = report.comparison
    value = {
        "name": found.dataset.name,
        "folder": str(report.folder),
        "fetched": report.fetched,
        "dataset": comparison_value(found),
    }

    def show() -> None:
        output.line(f"{report.folder}: {'fetched' if report.fetched else 'exists already'}")
        show_comparison(found)

    output.result(value, show)
    output.next_command(f"audiotl index --dataset {found.dataset.name}")
    if found.missing:
        raise typer.Exit(1)


def _value(known: DataSetInfo) -> dict[str, object]:
    dataset = known.dataset
    return {
        "name": dataset.name,
        "title": dataset.title,
        "summary": dataset.summary,
        "n_clips": dataset.expected.n_clips,
        "n_labels": len(dataset.expected.labels),
        "labels": dict(dataset.expected.labels),
        "splits": dict(dataset.expected.splits),
        "folds": dict(dataset.expected.folds),
        "licence": dataset.licence,
        "citation": dataset.citation,
        "home": dataset.home,
        "archives": [asdict(archive) for archive in dataset.archives],
        "by_hand": dataset.by_hand,
        "label_rule": dataset.label_rule,
        "group_rule": dataset.group_rule,
        "split_rule": dataset.split_rule,
        "caution": dataset.caution,
        "folder": str(known.folder),
        "present": known.present,
    }


def _show(found: list[DataSetInfo]) -> None:
    grid = output.table(
        "name", "summary", "clips", "labels", "licence", "fetch", "here",
        numbers=("clips", "labels", "fetch"),
        optional=("licence", "summary", "labels"),
    )  # fmt: skip
    for known in found:
        dataset = known.dataset
        n_bytes = sum(archive.size for archive in dataset.archives)
        size = f"{n_bytes / 1e9:.1f} GB" if n_bytes else "yes"
        grid.add_row(
            dataset.name, dataset.summary, str(dataset.expected.n_clips),
            str(len(dataset.expected.labels)), dataset.licence,
            size if dataset.archives else "by hand", "yes" if known.present else "no",
        )  # fmt: skip
    output.show(grid)
