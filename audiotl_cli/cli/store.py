"""``audiotl store``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from audiotl_cli.cli import options, output, settings
from audiotl_cli.cli.show_programs import show_programs
from audiotl_cli.cli.spread import spread

app = typer.Typer(
    no_args_is_help=True, help="Inspect, verify and prune feature stores, or import features."
)


@app.command(epilog="Example:  audiotl store info")
@spread
def info(
    store: options.Store = None,
) -> None:
    """List the feature stores, and how their features were made."""
    from audiotl_cli.workflows.store import store_info

    found = store_info(options.features_root(store))
    value = [
        {
            "store": str(item.store.folder),
            "extractor": item.store.extractor,
            "fingerprint": item.store.fingerprint,
            "dim": item.store.dim,
            "n_clips": item.n_clips,
            "n_shards": item.n_shards,
            "n_bytes": item.n_bytes,
            "weights": item.extractor.weights,
            "made_from": item.store.made_from,
            "programs": [asdict(program) for program in item.programs],
        }
        for item in found
    ]

    def show() -> None:
        grid = output.table(
            "store", "layer", "dim", "clips", "shards", "MB",
            numbers=("dim", "clips", "shards", "MB"),
            optional=("shards", "MB", "dim", "layer"),
        )  # fmt: skip
        for item in found:
            grid.add_row(
                output.clean(item.store.folder), str(item.store.made_from.get("layer", "")),
                str(item.store.dim), str(item.n_clips), str(item.n_shards),
                f"{item.n_bytes / 1e6:.1f}",
            )  # fmt: skip
        output.show(grid)
        output.warnings([item.extractor.warning for item in found])
        for item in found:
            show_programs(item.store.folder, item.programs)

    output.result(value, show)


@app.command(epilog="Example:  audiotl store verify")
@spread
def verify(
    context: typer.Context,
    store: options.Store = None,
) -> None:
    """Read every shard, and move damaged ones aside so that they are extracted again."""
    from audiotl_cli.workflows.store import verify_stores

    with output.progress("Reading shards", "shards") as update:
        reports = verify_stores(
            options.features_root(store), lambda done, total: update(done, total, 0.0)
        )
    damaged = [item for report in reports for item in report.damaged]
    value = {
        "stores": [{"store": str(report.folder), "n_clips": report.n_clips} for report in reports],
        "damaged": [
            {"path": str(shard), "moved_to": str(aside), "message": reason}
            for shard, aside, reason in damaged
        ],
    }

    def show() -> None:
        for report in reports:
            state = f"{len(report.damaged)} damaged shards" if report.damaged else "no damage"
            output.line(f"{report.folder}: {report.n_clips} clips, {state}")

    output.result(value, show)
    output.failures(
        [
            (str(file), reason if aside == file else f"{reason}; moved to {aside}")
            for file, aside, reason in damaged
        ]
    )
    if damaged:
        output.next_command(f"audiotl extract{options.carry(context, 'store')}")
        raise typer.Exit(1)


@app.command(epilog="Example:  audiotl store prune --dry-run")
@spread
def prune(
    index: Annotated[
        list[Path] | None,
        typer.Option(
            parser=options.path,
            help="Index whose clips to keep; repeat for several.  [default: all indexes in "
            "data/index]",
        ),
        settings.TYPED,
    ] = None,
    store: options.Store = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show what would be removed, but change nothing."),
        settings.FREE,
    ] = False,
) -> None:
    """Remove clips that are in no index, damaged shards, and leftovers of killed runs."""
    from audiotl_cli.workflows.prune import prune_stores

    indexes = [*map(options.choose_index, index or [])] or options.project().indexes()
    if indexes:
        output.note(f"Keeping the clips listed in {', '.join(map(str, indexes))}")
    address = options.store_address(store)
    reports = prune_stores(options.project(), address, indexes, dry_run=dry_run)
    done = [(report.store, report.pruned) for report in reports if report.pruned]
    value = {
        "dry_run": dry_run,
        "n_bytes": sum(pruned.n_bytes for _, pruned in done),
        "stores": [
            {
                "store": str(opened.folder),
                "n_removed": pruned.n_clips,
                "n_kept": pruned.n_kept,
                "leftovers": [str(path) for path in pruned.leftovers],
                "n_bytes": pruned.n_bytes,
            }
            for opened, pruned in done
        ],
        "busy": [str(report.store.folder) for report in reports if not report.pruned],
    }

    def show() -> None:
        outcome = "would be removed" if dry_run else "removed"
        for opened, pruned in done:
            output.line(
                f"{opened.folder}: {pruned.n_clips} clips and {len(pruned.leftovers)} leftover "
                f"files {outcome} ({pruned.n_bytes / 1e6:.1f} MB), {pruned.n_kept} clips kept"
            )

    output.result(value, show)
    busy = [
        (str(report.store.folder), "not pruned, because another command is writing to it")
        for report in reports
        if not report.pruned
    ]
    output.failures(busy)
    if busy:
        raise typer.Exit(1)


@app.command(
    "import",
    epilog="Example:  audiotl store import training_data.npz --name gtzan --split train",
)
@spread
def import_(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            parser=options.path,
            help="NPZ file with the arrays X (features), Y (labels) and IDS (clips).",
        ),
    ],
    name: Annotated[
        str, typer.Option(help="Name of the index and of the feature store."), settings.FREE
    ],
    split: Annotated[
        str, typer.Option(help="Split to put the clips into."), settings.FREE
    ] = "train",
    store: options.Store = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Import features of sklearn-audio-transfer-learning, and write an index of their clips."""
    from audiotl_cli.workflows.store import import_features

    address = options.store_address(store)
    report = import_features(
        options.project(), file, name, split, store=address, overwrite=overwrite
    )
    value = {
        "index": str(report.index.path),
        "store": str(report.store.folder),
        "n_clips": report.n_clips,
        "n_frames": report.n_frames,
        "labels": report.index.labels(),
        "splits": report.index.counts("split"),
    }

    def show() -> None:
        output.line(
            f"{report.store.folder}: {report.n_clips} clips, {report.n_frames} frames of "
            f"{report.store.dim} values"
        )
        splits = ", ".join(f"{k} {n}" for k, n in report.index.counts("split").items())
        output.line(f"{report.index.path}: {len(report.index.clips)} clips ({splits})")

    output.result(value, show)
    store_options = options.carry(context, "store")
    output.next_command(f"audiotl train --classifier linear-svm --pooling vote{store_options}")
