"""``audiotl label``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiotl_cli.cli import options, output, records, settings, terminal
from audiotl_cli.cli.ask import LabelSession, NextRound, show_progress
from audiotl_cli.cli.fitting import Fitting
from audiotl_cli.cli.predicted_files import check_targets, choose_format
from audiotl_cli.cli.spread import spread
from audiotl_cli.errors import UsageError

if TYPE_CHECKING:
    from audiotl_cli.dataset.index import Index
    from audiotl_cli.review.suggestions import Round, Suggester, Suggestion

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
        int,
        typer.Option(
            "--n", min=1, help="Number of clips to list; with --ask, number of clips per round."
        ),
        settings.FREE,
    ] = 10,
    ask: Annotated[
        bool | None,
        typer.Option(
            "--ask/--no-ask",
            help="Ask for the labels.  [default: in a terminal, unless --n or a format is given]",
            show_default=False,
        ),
        settings.FREE,
    ] = None,
    answers: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="FILE=LABEL",
            help="Write this label, or remove the label where none is given; a stretch is "
            "FILE:START-END; repeat for several.",
        ),
        settings.TYPED,
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            "--from",
            parser=options.path,
            help="Write the labels of a table with columns path and label, such as CSV.",
        ),
        settings.TYPED,
    ] = None,
    format_: records.Format = None,
    to: records.Output = None,
    overwrite: options.Overwrite = False,
    split: Annotated[
        str,
        typer.Option(
            help="Split to suggest clips from; in splits other than train, clips are drawn "
            "at random."
        ),
        settings.FREE,
    ] = "train",
    extractor: options.Extractors = None,
    fitting: Fitting,
) -> None:
    """Label the clips that a classifier would learn most from."""
    from audiotl_cli.dataset.index import Index

    form = choose_format(format_, to, records.SUFFIXES)
    listing = options.typed(context, "n", "format_", "to", "json")
    given = bool(answers) or table is not None
    if given and (unused := options.typed(context, "n", "ask", "format_", "to")):
        raise UsageError(f"{', '.join(unused)} with --set or --from: these only write labels")
    if ask and (unused := options.typed(context, "format_", "to", "json")):
        raise UsageError(f"{', '.join(unused)} with --ask: answers go into the index")
    path = options.find_index(index)
    if given:
        _write(Index.read(path), answers or [], table)
        output.next_command(f"audiotl label{options.carry(context, 'index', 'store')}")
        return
    check_targets(to, {}, [path], overwrite=overwrite)
    next_round = _suggesting(store, extractor or [], fitting, split, n)
    if ask or (ask is None and not listing and terminal.is_interactive()):
        LabelSession(Index.read(path), next_round).run()
        output.next_command(f"audiotl train{options.carry(context, 'index', 'store')}")
        return
    found = next_round(Index.read(path), set())
    for used in found.stores:
        output.note(f"Features {used.folder}")
    show_progress(found)
    values = [_record(suggestion) for suggestion in found.suggestions]
    records.give(form, to, values, lambda: _rows(values), lambda: _show(found))


def _suggesting(
    store: str | None, extractors: list[str], fitting: Fitting, split: str, n: int
) -> NextRound:
    """Return what suggests clips of an index, and shows meanwhile what it is doing."""
    suggester: Suggester | None = None

    def next_round(index: Index, without: set[Any]) -> Round:
        nonlocal suggester
        with terminal.steps() as on_step:
            if suggester is None:
                from audiotl_cli.review.suggestions import Suggester, SuggestOptions

                address = options.store_address(store)
                chosen = SuggestOptions(fitting.options(), extractors, address, split)
                suggester = Suggester(options.project(), chosen)
            return suggester.suggest(index, n, without, on_step=on_step)

    return next_round


def _write(index: Index, texts: list[str], table: Path | None) -> None:
    from audiotl_cli.dataset.index import clip_labels
    from audiotl_cli.labels import split_labels
    from audiotl_cli.spelling import did_you_mean
    from audiotl_cli.workflows.answers import read_answers, write_answers

    answers = read_answers(texts, table, index)
    now, n_changed = write_answers(index, answers)
    known = index.labels()
    for new in sorted({one for text in answers.values() for one in split_labels(text)} - {*known}):
        if meant := did_you_mean(new, known):
            output.warn(f"{new!r} is a new label{meant}")
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


def _record(suggestion: Suggestion) -> dict[str, Any]:
    scores = {name: round(score, 6) for name, score in suggestion.scores.items()}
    guess = next(iter(scores), None)
    return {
        "path": str(suggestion.source.path),
        "start_s": suggestion.clip.start_s,
        "end_s": suggestion.clip.end_s,
        "guess": guess,
        "score": None if guess is None else scores[guess],
        "scores": scores,
    }


def _rows(values: list[dict[str, Any]]) -> list[list[object]]:
    return [list(COLUMNS), *([value.get(name) for name in COLUMNS] for value in values)]


def _show(found: Round) -> None:
    from audiotl_cli.review.clip_names import name_of

    if not found.suggestions:
        output.line("Every clip that has features has a label.")
        return
    grid = output.table("guess", "score", "then", "clip", numbers=("score",), optional=("then",))
    for suggestion in found.suggestions:
        first, second, *_ = [*suggestion.scores.items(), ("", 0.0), ("", 0.0)]
        then = f"{output.clean(second[0])} {second[1]:.2f}" if second[0] else ""
        score = f"{first[1]:.2f}" if first[0] else ""
        guess = output.clean(first[0]) if first[0] else "(none yet)"
        grid.add_row(guess, score, then, output.clean(name_of(suggestion.source)))
    output.show(grid)
