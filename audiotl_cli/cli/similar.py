"""``audiotl similar``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiotl_cli.cli import options, output, records, settings
from audiotl_cli.cli.predicted_files import check_targets, choose_format
from audiotl_cli.cli.spread import spread

if TYPE_CHECKING:
    from audiotl_cli.review.similarity_search import Similar

EXAMPLES = (
    "Examples:  audiotl similar call.wav   |   audiotl similar night.wav:12.5-14 --top-k 20   |   "
    "audiotl similar call.wav --format csv --output near.csv"
)
COLUMNS = ("path", "start_s", "end_s", "label", "similarity")


@spread
def similar(
    context: typer.Context,
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE[:START-END]",
            help="Recordings, stretches of them in seconds, or paths as in the index.",
        ),
    ],
    index: options.IndexFile = None,
    audio_root: options.AudioRoot = None,
    store: options.Store = None,
    extractor: options.Extractors = None,
    top_k: Annotated[
        int, typer.Option(min=1, help="Number of clips for each recording."), settings.FREE
    ] = 10,
    format_: records.Format = None,
    to: records.Output = None,
    overwrite: options.Overwrite = False,
    trust: options.TrustProgram = None,
    workers: options.Workers = None,
) -> None:
    """Find the clips that sound most like a recording."""
    from audiotl_cli.review.clip_names import read_name
    from audiotl_cli.workflows.similar import SimilarOptions, find_similar

    form = choose_format(format_, to, records.SUFFIXES)
    chosen = SimilarOptions(
        top_k,
        extractor or [],
        options.store_address(store),
        trust or (),
        typed=[] if options.from_file(context, "extractor") else extractor or [],
        workers=workers,
    )
    path = options.find_index(index)
    inputs = [path, *(read_name(name).path for name in files)]
    check_targets(to, {}, inputs, overwrite=overwrite)
    with output.progress("Comparing") as update:
        results, stores = find_similar(
            options.project(),
            options.read_index(path, audio_root),
            files,
            chosen,
            on_clips=lambda done, total: update(done, total, 0.0),
        )
    for used in stores:
        output.note(f"Features {used.folder}")
    values = [_record(result) for result in results]
    records.give(form, to, values, lambda: _rows(values), lambda: _show(results))
    failed = [result for result in results if result.error is not None]
    output.failures([(result.name, str(result.error)) for result in failed])
    if failed:
        raise typer.Exit(1)


def _record(result: Similar) -> dict[str, Any]:
    record: dict[str, Any] = {
        "path": result.name,
        "similar": [
            {
                "path": str(near.source.path),
                "start_s": near.clip.start_s,
                "end_s": near.clip.end_s,
                "label": near.clip.label or None,
                "similarity": round(near.similarity, 6),
            }
            for near in result.found
        ],
    }
    if result.error is not None:
        record["error"] = {
            "stage": result.error.stage,
            "code": result.error.code,
            "message": str(result.error),
        }
    return record


def _rows(values: list[dict[str, Any]]) -> list[list[object]]:
    rows: list[list[object]] = [["query", *COLUMNS, "error"]]
    for value in values:
        if "error" in value:
            rows.append([value["path"], *("" for _ in COLUMNS), value["error"]["message"]])
        rows += [[value["path"], *(near[c] for c in COLUMNS), ""] for near in value["similar"]]
    return rows


def _show(results: list[Similar]) -> None:
    from audiotl_cli.review.clip_names import name_of

    for result in results:
        if result.error is not None:
            continue
        output.line(result.name, style="bold")
        grid = output.table("similarity", "label", "clip", numbers=("similarity",))
        for near in result.found:
            label = output.clean(near.clip.label or "(no label)")
            grid.add_row(f"{near.similarity:.3f}", label, output.clean(name_of(near.source)))
        output.show(grid)
