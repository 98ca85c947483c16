"""``audiotl index``."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer.models import OptionInfo

from audiotl_cli.cli import options, output, settings, show_index
from audiotl_cli.cli.choose_network import recommend
from audiotl_cli.cli.show_dataset import comparison_value
from audiotl_cli.cli.spread import spread
from audiotl_cli.dataset.problems.registry import codes
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.files import real_path
from audiotl_cli.storage.paths import AnyPath, any_path

EXAMPLES = (
    "Examples:  audiotl index ~/sounds   |   audiotl index ~/ESC-50 --dataset esc50   |   "
    "audiotl index ~/esc10 --fold-regex '/(\\d)-' --group-regex '-(\\d+)-'"
)
LABELS = "Labels, groups and folds"
AUDIT = "Audit"


def _column(role: str) -> OptionInfo:
    """Return the option that names the column of the metadata with a role."""
    option: OptionInfo = typer.Option(
        help=f"Column of the metadata that holds the {role}; none if no column does.  [default: "
        "found by its name]",
        rich_help_panel=LABELS,
    )
    return option


PathColumn = Annotated[str | None, _column("path of the recording"), settings.FREE]
LabelColumn = Annotated[str | None, _column("label"), settings.FREE]
StartColumn = Annotated[
    str | None,
    _column("start of the clip, in seconds unless its name gives another unit"),
    settings.FREE,
]
EndColumn = Annotated[str | None, _column("end of the clip"), settings.FREE]
DurationColumn = Annotated[str | None, _column("duration of the clip"), settings.FREE]
SplitColumn = Annotated[str | None, _column("split"), settings.FREE]
GroupColumn = Annotated[str | None, _column("group"), settings.FREE]
FoldColumn = Annotated[str | None, _column("fold"), settings.FREE]

NO_FUNCTION = settings.FromFile(lambda value: "may not run code" if ":" in str(value) else "")
"""``MODULE:FUNCTION`` must be typed; a settings file may name any other source of labels."""


@spread
def index(
    source: Annotated[
        str | None,
        typer.Argument(
            help="Folder of recordings, or a table about them; s3://... is on object storage.  "
            "[default with --dataset: data/audio/NAME]",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the index.  [default: the folder's]"),
        settings.INSIDE,
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(parser=options.path, help="Index file.  [default: data/index/NAME.csv]"),
        settings.TYPED,
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            help="A data set known by name, for its labels, folds, splits and groups. See: audiotl "
            "datasets list.",
            rich_help_panel=LABELS,
        ),
        settings.FREE,
    ] = None,
    labels_from: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE",
            help="folder, filename, csv, annotations (of Audacity or Raven, beside the "
            "recordings), or MODULE:FUNCTION, a Python function that returns the label of a "
            "path, or None.  [default: the first layout that fits SOURCE, else folder]",
            show_default=False,
            rich_help_panel=LABELS,
        ),
        NO_FUNCTION,
    ] = None,
    label_level: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Labels are the names of the folders at this level below SOURCE.  [default: 1, or "
            "the level in folders of splits, sites and the like]",
            show_default=False,
            rich_help_panel=LABELS,
        ),
        settings.FREE,
    ] = None,
    label_regex: Annotated[
        str | None,
        typer.Option(
            help="Regular expression, searched in the path below SOURCE; its first group is "
            "the label.",
            rich_help_panel=LABELS,
        ),
        settings.FREE,
    ] = None,
    metadata: Annotated[
        Path | None,
        typer.Option(
            parser=options.path,
            help="CSV, TSV, JSON lines or Parquet with columns such as path, label.",
            rich_help_panel=LABELS,
        ),
        settings.INSIDE,
    ] = None,
    path_column: PathColumn = None,
    label_column: LabelColumn = None,
    label_separator: Annotated[
        str | None,
        typer.Option(
            metavar="SIGN",
            help="Separates several labels in a cell of the metadata, besides ;.",
            rich_help_panel=LABELS,
        ),
        settings.FREE,
    ] = None,
    start_column: StartColumn = None,
    end_column: EndColumn = None,
    duration_column: DurationColumn = None,
    point_width_s: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            help="Make clips of this length around marks that begin where they end.  "
            "[default: leave them out]",
            show_default=False,
            rich_help_panel=LABELS,
        ),
        settings.FREE,
    ] = None,
    split_column: SplitColumn = None,
    group_regex: Annotated[
        str | None,
        typer.Option(
            help="Regular expression, searched in the path below SOURCE; its first group is the "
            "group of the clip. Clips of one group are never on both sides of a split.",
            rich_help_panel=LABELS,
        ),
        settings.FREE,
    ] = None,
    group_column: GroupColumn = None,
    fold_regex: Annotated[
        str | None,
        typer.Option(
            help="Regular expression, searched in the path below SOURCE; its first group is the "
            "fold of the clip.",
            rich_help_panel=LABELS,
        ),
        settings.FREE,
    ] = None,
    fold_column: FoldColumn = None,
    test_size: Annotated[
        float,
        typer.Option(min=0.0, max=0.99, help="Share of clips for the test split."),
        settings.FREE,
    ] = 0.25,
    by_time: Annotated[
        str | None,
        typer.Option(
            metavar="name|modified|COLUMN",
            help="Test on the newest clips, by a date in their names, by when the files were "
            "modified, or by a column of the metadata.",
        ),
        settings.FREE,
    ] = None,
    folds: Annotated[
        str | None,
        typer.Option(
            metavar="K|group", help="Deal the clips into K folds, or make each group a fold."
        ),
        settings.FREE,
    ] = None,
    seed: options.Seed = 0,
    no_audit: Annotated[
        bool,
        typer.Option("--no-audit", help="Do not measure the clips.", rich_help_panel=AUDIT),
        settings.FREE,
    ] = False,
    fix: Annotated[
        bool,
        typer.Option(
            "--fix",
            help=f"Leave out clips that cannot be used ({', '.join(codes('leave out'))}), keep one "
            "of each set of duplicates, and put near-duplicates into one group.",
            rich_help_panel=AUDIT,
        ),
        settings.FREE,
    ] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Write the index, then end with exit code 3 if clips have problems: "
            f"{', '.join(codes())}.",
            rich_help_panel=AUDIT,
        ),
        settings.FREE,
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of processes that measure.  [default: one per core]",
            show_default=False,
            rich_help_panel=AUDIT,
        ),
        settings.FREE,
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Overwrite an index that was edited by hand."),
        settings.TYPED,
    ] = False,
) -> None:
    """List the recordings of a folder with their labels, and split them."""
    from audiotl_cli.dataset.options import IndexOptions
    from audiotl_cli.workflows.datasets import dataset_folder
    from audiotl_cli.workflows.index import build_index

    chosen = IndexOptions(
        labels_from=labels_from,
        label_level=label_level,
        label_regex=label_regex,
        metadata=metadata,
        dataset=dataset,
        path_column=path_column,
        label_column=label_column,
        split_column=split_column,
        start_column=start_column,
        end_column=end_column,
        duration_column=duration_column,
        label_separator=label_separator,
        point_width_s=point_width_s,
        group_regex=group_regex,
        group_column=group_column,
        fold_regex=fold_regex,
        fold_column=fold_column,
        test_size=test_size,
        folds=_n_folds(folds),
        by_time=by_time,
        seed=seed,
        audit=not no_audit,
        fix=fix,
        workers=workers,
    )
    if strict and no_audit:
        raise UsageError(
            "--strict fails if clips have problems, and --no-audit does not look for any; give "
            "only one of them"
        )
    if name is not None and out is not None:
        raise UsageError("--name and --out both name the index; give only one of them")
    place = None if source is None else any_path(source)
    known_as = dataset_folder(options.project(), dataset).name if dataset else ""
    path = out or options.project().index_dir / f"{name or known_as or _name_of(place)}.csv"
    with output.progress("Measuring clips") as update:
        report = build_index(
            options.project(), place, path, chosen, overwrite=overwrite, on_clip=update
        )
    found = report.index
    value = {
        "path": str(path),
        "n_clips": len(found.clips),
        "labels": found.labels(),
        "label_counts": found.counts("label"),
        "splits": found.counts("split"),
        "warnings": report.warnings,
        **show_index.value(report),
    }
    if report.comparison:
        value["dataset"] = comparison_value(report.comparison)
    output.failures(list(report.failures.items()))
    output.result(value, lambda: show_index.show(report, path))
    for text in report.warnings:
        output.warn(text)
    index_option = f" --index {shlex.quote(str(out))}" if out else ""
    fixed = codes("group") if fix else []  # such clips stay in the index, in one group
    if strict and (left := [code for code in report.problems if code not in fixed]):
        raise DataError(f"{path} is written, but clips in it have problems: {', '.join(left)}")
    recommend(found)
    output.next_command(f"audiotl extract{index_option}")
    if report.failures:
        raise typer.Exit(1)


def _n_folds(text: str | None) -> int | Literal["group"] | None:
    if text is None:
        return None
    if text == "group":
        return "group"
    if not text.isdecimal() or int(text) < 2:
        raise UsageError(f"--folds is {text!r}, expected a number from 2 up, or group")
    return int(text)


def _name_of(source: AnyPath | None) -> str:
    if source is None:
        return "index"
    resolved = real_path(source) if isinstance(source, Path) else source
    stem = resolved.stem if resolved.is_file() else resolved.name
    return re.sub(r"[^\w.-]+", "-", stem).strip("-.") or "index"
