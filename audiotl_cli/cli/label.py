"""``audiotl label``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiotl_cli.cli import options, output, records
from audiotl_cli.cli.ask import ask_rounds
from audiotl_cli.cli.fitting import Fitting, spread
from audiotl_cli.cli.predicted_files import check_targets, choose_format
from audiotl_cli.errors import UsageError

if TYPE_CHECKING:
    from audiotl_cli.dataset.index import Index
    from audiotl_cli.workflows.label import Round, Suggestion

EXAMPLES = (
    "Examples:  audiotl label   |   audiotl label --n 20 --format csv --output todo.csv   |   "
    "audiotl label --from todo.csv   |   audiotl label --set a.wav=rain"
)
COLUMNS = ("path", "start_s", "end_s", "label", "guess", "score")
"""Of a table to fill in: ``label`` is empty, and ``--from`` reads it."""


@spread
def label(
    context: typer.Context,
    *,
    index: options.IndexFile = None,
    store: options.Store = None,
    n: Annotated[
        int, typer.Option("--n", min=1, help="List so many clips; with --ask, clips a round.")
    ] = 10,
    ask: Annotated[
        bool | None,
        typer.Option(
            "--ask/--no-ask",
            help="Ask for the labels.  [default: in a terminal, unless --n or a format is given]",
            show_default=False,
        ),
    ] = None,
    answers: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="FILE=LABEL",
            help="Write this label (none: take it away); a stretch is FILE:START-END; repeatable.",
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            "--from", help="Write the labels of a table with columns path and label, such as CSV."
        ),
    ] = None,
    format_: records.Format = None,
    to: records.Output = None,
    overwrite: options.Overwrite = False,
    split: Annotated[
        str,
        typer.Option(
            help="Which split to suggest clips of; of any but train, they are drawn at random."
        ),
    ] = "train",
    extractor: options.Extractors = None,
    fitting: Fitting,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Label the clips next that a classifier would learn most from."""
    from audiotl_cli.dataset.index import Index
    from audiotl_cli.workflows.label import suggest_clips
    from audiotl_cli.workflows.project import newest_index

    form = choose_format(format_, to, records.SUFFIXES, json=json)
    listing = options.typed(context, "n", "format_", "to", "json")
    given = bool(answers) or table is not None
    if given and (unused := options.typed(context, "n", "ask", "format_", "to")):
        raise UsageError(f"{', '.join(unused)} with --set or --from: these only write labels")
    if ask and (unused := options.typed(context, "format_", "to", "json")):
        raise UsageError(f"{', '.join(unused)} with --ask: answers go into the index")
    path = index or newest_index()
    output.note(f"Index {path}")
    clips = Index.read(path)
    if given:
        _write(clips, answers or [], table)
        output.next_command(f"audiotl label{options.carry(context, 'index', 'store')}")
        return
    check_targets(to, {}, [path], overwrite=overwrite)
    chosen = fitting.options()

    def next_round(clips: Index, without: set[Any]) -> Round:
        return suggest_clips(
            clips,
            options.features_root(store),
            extractor or [],
            chosen,
            n,
            split=split,
            without=without,
        )

    if ask is None:
        ask = not listing and sys.stdin.isatty() and sys.stdout.isatty()
    if ask:
        ask_rounds(clips, next_round)
        output.next_command(f"audiotl train{options.carry(context, 'index', 'store')}")
        return
    found = next_round(clips, set())
    for used in found.stores:
        output.note(f"Features {used.folder}")
    tell(found)
    values = [_record(one) for one in found.suggestions]
    records.give(form, to, values, lambda: _rows(values), lambda: _show(found))


def tell(found: Round) -> None:
    """Say how far the labelling is."""
    output.note(f"{found.n_labelled} clips have a label, {found.n_open} more can get one")
    if found.n_unknown:
        output.warn(
            f"{found.n_unknown} clips without a label have no features and are not suggested; "
            "run: audiotl extract"
        )


def _write(index: Index, texts: list[str], table: Path | None) -> None:
    from audiotl_cli.dataset.index import clip_labels
    from audiotl_cli.workflows.answers import read_answers, write_answers

    now, n_changed = write_answers(index, read_answers(texts, table, index))
    n_labelled = sum(bool(clip_labels(clip)) for clip in now.clips)
    value = {
        "index": str(now.path),
        "n_changed": n_changed,
        "n_labelled": n_labelled,
        "n_unlabelled": len(now.clips) - n_labelled,
        "label_counts": now.counts("label"),
    }

    def show() -> None:
        output.line(f"{now.path}: {n_changed} labels changed", style="bold")
        output.line(f"{n_labelled} of {len(now.clips)} clips have a label")

    output.result(value, show)


def _record(one: Suggestion) -> dict[str, Any]:
    guess = next(iter(one.scores), None)
    return {
        "path": str(one.source.path),
        "start_s": one.clip.start_s,
        "end_s": one.clip.end_s,
        "guess": guess,
        "score": None if guess is None else round(one.scores[guess], 6),
        "scores": {name: round(score, 6) for name, score in one.scores.items()},
    }


def _rows(values: list[dict[str, Any]]) -> list[list[object]]:
    return [list(COLUMNS), *([one.get(name) for name in COLUMNS] for one in values)]


def _show(found: Round) -> None:
    from audiotl_cli.workflows.clip_names import name_of

    if not found.suggestions:
        output.line("every clip that has features has a label")
        return
    grid = output.table("guess", "score", "then", "clip", numbers=("score",))
    for one in found.suggestions:
        first, second, *_ = [*one.scores.items(), ("", 0.0), ("", 0.0)]
        then = f"{output.clean(second[0])} {second[1]:.2f}" if second[0] else ""
        score = f"{first[1]:.2f}" if first[0] else ""
        guess = output.clean(first[0]) if first[0] else "(none yet)"
        grid.add_row(guess, score, then, output.clean(name_of(one.source)))
    output.show(grid)
