"""``audiotl evaluate``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audiotl_cli.cli import options, output

if TYPE_CHECKING:
    from audiotl_cli.evaluation.metrics import Scores
    from audiotl_cli.workflows.evaluate import EvaluateReport

EXAMPLES = "Examples:  audiotl evaluate   |   audiotl evaluate --cv fold --classifier linear-svm"
MOST_COLUMNS = 24  # a wider confusion matrix is left to the figure
LEAST_NAME = 8  # columns; a confusion matrix whose names get less is, too


def evaluate(
    context: typer.Context,
    model: Annotated[
        list[Path] | None,
        typer.Argument(help="Model files.  [default: the newest in data/models]"),
    ] = None,
    index: options.IndexFile = None,
    store: options.Store = None,
    split: Annotated[str, typer.Option(help="Which split to evaluate on.")] = "test",
    cv: Annotated[
        str | None,
        typer.Option(
            "--cv",
            metavar="fold|group|K",
            help="Cross-validate instead: fit one model a fold, with the options below.",
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Folder of the report.  [default: data/experiments/...]")
    ] = None,
    extractor: options.Extractors = None,
    classifier: options.Classifier = "logreg",
    pooling: options.Pooling = "mean+std",
    pca: options.Pca = None,
    scale: options.Scale = None,
    param: options.Param = None,
    search: options.Search = 0,
    seed: options.Seed = 0,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Measure how good a model is, on clips it has not seen."""
    from audiotl_cli.classify.classifier import ClassifierOptions
    from audiotl_cli.dataset.index import Index
    from audiotl_cli.errors import UsageError
    from audiotl_cli.workflows.evaluate import cross_validate, evaluate_model
    from audiotl_cli.workflows.project import EXPERIMENTS, FEATURES, newest_index, newest_model

    fitting = ("extractor", "classifier", "pooling", "pca", "scale", "param", "search")
    if cv is None and (unused := options.typed(context, *fitting)):
        raise UsageError(
            f"{', '.join(unused)} without --cv: a saved model keeps what it was trained with; "
            "train another with audiotl train, or cross-validate with --cv"
        )
    if cv is not None and options.typed(context, "split"):
        raise UsageError("--cv evaluates on every clip: give no --split with it")
    path = index or newest_index()
    clips = Index.read(path)
    root = store or FEATURES
    output.note(f"Index {path}")
    reports = []
    if cv is not None:
        if model:
            raise UsageError("--cv fits its own models: give no model file with it")
        chosen = ClassifierOptions(
            classifier=classifier,
            pooling=pooling,
            pca=pca,
            scale=scale,
            params=options.parse_params(param),
            seed=seed,
        )
        with output.progress("Cross-validating", "fits" if search else "rounds") as update:
            reports.append(
                cross_validate(
                    clips,
                    root,
                    extractor or [],
                    chosen,
                    cv,
                    n_settings=search,
                    report=report,
                    experiments=EXPERIMENTS,
                    on_round=lambda done, total: update(done, total, 0.0),
                )
            )
    else:
        models = model or [newest_model()]
        for one in models:
            output.note(f"Model {one}")
            folder = report / one.stem if report and len(models) > 1 else report
            reports.append(
                evaluate_model(
                    one, clips, root, split=split, report=folder, experiments=EXPERIMENTS, seed=seed
                )
            )
    values = [found.result for found in reports]

    def show() -> None:
        for found in reports:
            _show(found)

    output.result(values[0] if len(values) == 1 else values, show)
    if cv is not None:
        output.next_command(
            f"audiotl train{options.carry(context, 'index', 'store', 'seed', *fitting)}"
        )
    else:
        file = f" --model {shlex.quote(str(model[0]))}" if model else ""
        output.next_command(f"audiotl predict FILE{file}")


def _show(report: EvaluateReport) -> None:
    scores = report.scores
    output.line(report.title, style="bold")
    output.warnings(report.result["warnings"])
    low, high = scores.interval
    n_trained_on = report.result["n_trained_on"]
    trained_on = f", {n_trained_on} of them trained on" if n_trained_on else ""
    output.line(
        f"accuracy {scores.accuracy:.3f}  (95 % interval {low:.3f} to {high:.3f}, "
        f"{report.result['n_clips']} clips{trained_on})   "
        f"balanced accuracy {scores.balanced_accuracy:.3f}   macro F1 {scores.macro_f1:.3f}"
    )
    if report.rounds:
        rounds = "  ".join(f"{name}: {value:.3f}" for name, value in report.rounds.items())
        if len(report.rounds) <= 20:
            output.line(f"accuracy by round  {rounds}")
    for name, setting in report.result.get("chosen", {}).items():
        output.line(
            f"chosen for round {name}, without its clips: {output.setting(setting)}, "
            f"{output.networks(setting['extractors'])}"
        )
    _show_labels(scores)
    if len(scores.labels) <= MOST_COLUMNS:
        _show_confusion(scores)
    output.line(f"report  {report.folder / 'report.json'}")
    output.line(f"figure  {report.folder / 'confusion.png'}")


def _show_labels(scores: Scores) -> None:
    grid = output.table(
        "label", "clips", "precision", "recall", "F1", "most taken for",
        numbers=("clips", "precision", "recall", "F1"),
    )  # fmt: skip
    for row, label in enumerate(scores.labels):
        one = scores.per_label[label]
        wrong = scores.confusion[row].copy()
        wrong[row] = 0
        most = int(wrong.argmax())
        taken = f"{output.clean(scores.labels[most])} ({wrong[most]})" if wrong[most] else ""
        grid.add_row(
            output.clean(label), str(one.n_clips), f"{one.precision:.2f}", f"{one.recall:.2f}",
            f"{one.f1:.2f}", taken,
        )  # fmt: skip
    output.show(grid)


def _show_confusion(scores: Scores) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    letters = _letters(len(scores.labels))
    digits = max(3, len(str(scores.confusion.max())))
    room = output.console().width - (digits + 1) * len(letters) - 2
    if room < LEAST_NAME:
        output.line("confusion matrix too wide to show: see the figure")
        return
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    grid.add_column("true \\ predicted", no_wrap=True, max_width=room)
    for letter in letters:
        grid.add_column(letter, justify="right", min_width=digits, no_wrap=True)
    none = "·" if output.console().encoding.startswith("utf") else "."
    for row, label in enumerate(scores.labels):
        n_clips = max(int(scores.confusion[row].sum()), 1)
        cells = []
        for column in range(len(letters)):
            count = int(scores.confusion[row, column])
            share = count / n_clips
            style = "bold green" if row == column else "bold red" if share >= 0.1 else "yellow"
            cells.append(Text(str(count), style) if count else Text(none, "dim"))
        grid.add_row(f"{letters[row]} {output.clean(label)}", *cells)
    output.show(grid)


def _letters(n: int) -> list[str]:
    return [chr(ord("a") + i) for i in range(n)]
