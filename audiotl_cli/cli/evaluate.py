"""``audiotl evaluate``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiotl_cli.cli import options, output, settings
from audiotl_cli.cli.fitting import Fitting, Learning
from audiotl_cli.cli.spread import names_of, spread

if TYPE_CHECKING:
    from audiotl_cli.dataset.index import Index
    from audiotl_cli.evaluation.comparison import Comparison
    from audiotl_cli.workflows.report import EvaluateReport

EXAMPLES = "Examples:  audiotl evaluate   |   audiotl evaluate --cv fold --classifier linear-svm"
RESULT = ".json"  # of a report


@dataclass(frozen=True)
class Evaluated:
    """What to evaluate, and on what; every field is an option."""

    index: options.IndexFile = None
    audio_root: options.AudioRoot = None
    store: options.Store = None
    split: Annotated[str, typer.Option(help="Which split to evaluate on."), settings.FREE] = "test"
    cv: Annotated[
        str | None,
        typer.Option(
            "--cv",
            metavar="fold|group|K|KxN",
            help="Cross-validate instead: train a model per fold, with the options below; 5x10 "
            "repeats 5 folds 10 times.",
        ),
        settings.FREE,
    ] = None
    open_set: Annotated[
        bool,
        typer.Option(
            "--open-set",
            help="With --cv: leave out each label in turn, and measure whether its clips are "
            "rejected.",
        ),
        settings.FREE,
    ] = False
    learning_curve: Annotated[
        bool,
        typer.Option(
            "--learning-curve",
            help="With --cv: measure how accuracy grows with the number of clips, and extrapolate "
            "to twice as many (the interval covers the choice of test clips, not the "
            "extrapolation).",
        ),
        settings.FREE,
    ] = False
    positive: Annotated[
        str | None,
        typer.Option(
            "--positive",
            metavar="LABEL",
            help="Which of two labels is to be found, for sensitivity, specificity and curves.  "
            "[default: not one that is named no, negative, background or the like; else the rarer, "
            "or the first of two equally common ones]",
        ),
        settings.FREE,
    ] = None
    report: Annotated[
        Path | None,
        typer.Option(
            parser=options.path, help="Folder of the report.  [default: data/experiments/...]"
        ),
        settings.TYPED,
    ] = None
    overwrite: options.Overwrite = False


@dataclass(frozen=True)
class Trained:
    """From what, and how, the models of a cross-validation are trained; all are options."""

    extractor: options.Extractors = None
    search: options.Search = 0
    cluster: options.Cluster = None


@spread
def evaluate(
    context: typer.Context,
    *,
    model: Annotated[
        list[Path] | None,
        typer.Argument(
            parser=options.path,
            help="Model files or parts of their names, or report.json of earlier evaluations; "
            "several are compared with the first.  [default: the newest in data/models]",
        ),
    ] = None,
    evaluated: Evaluated,
    trained: Trained,
    fitting: Fitting,
    learning: Learning,
) -> None:
    """Measure how good a model is, on clips it has not seen."""
    from audiotl_cli.workflows.compare import write_pages

    _check(context, model or [], evaluated, trained)
    found: list[tuple[EvaluateReport | None, Mapping[str, Any]]]
    if evaluated.cv is not None:
        given: list[Path] = []
        report = _cross_validate(evaluated, trained, fitting, learning)
        found = [(report, report.result)]
    else:
        given = [
            path if path.suffix == RESULT else options.choose_model(path) for path in model or []
        ]
        given = given or [options.choose_model(None)]
        _claim(given, evaluated)
        found = _evaluate_models(given, evaluated, fitting.seed)
    compared: list[Comparison] = []
    try:
        if len(found) > 1:
            compared = _compare(given, [value for _, value in found], evaluated, fitting.seed)
    finally:
        write_pages([report for report, _ in found], compared)
    _print(found, compared, evaluated)
    if evaluated.cv is not None:
        output.next_command(f"audiotl train{options.carry(context, *_for_training())}")
    elif given[0].suffix != RESULT:
        file = f" --model {shlex.quote(str(model[0]))}" if model else ""
        output.next_command(f"audiotl predict FILE{file}")


def _of_fits() -> set[str]:
    """Return the names of the options that only matter where models are trained."""
    return {"extractor", "search", *names_of(Fitting, Learning)} - {"seed"}


def _for_training() -> list[str]:
    return ["index", "audio_root", "store", "seed", *_of_fits()]


def _check(
    context: typer.Context, model: Sequence[Path], evaluated: Evaluated, trained: Trained
) -> None:
    """Refuse options that do not go together."""
    from audiotl_cli.errors import UsageError

    extras = options.typed(context, "open_set", "learning_curve")
    if evaluated.cv is None and extras:
        raise UsageError(
            f"{', '.join(extras)} without --cv: these need the models of a cross-validation"
        )
    if evaluated.cv is None and (unused := options.typed(context, *_of_fits())):
        raise UsageError(
            f"{', '.join(unused)} without --cv: a saved model keeps what it was trained with; "
            "train another with audiotl train, or cross-validate with --cv"
        )
    if trained.search and extras:
        raise UsageError(
            f"{', '.join(extras)} with --search: settings would be sought hundreds of times; "
            "search first, then give what was chosen"
        )
    if trained.cluster and not trained.search:
        raise UsageError("--cluster without --cv and --search: only a search runs on a cluster")
    if evaluated.cv is not None and options.typed(context, "split"):
        raise UsageError("--cv evaluates on every clip, so it cannot be combined with --split")
    if evaluated.cv is not None and model:
        raise UsageError("--cv trains its own models, so it cannot be combined with a model file")
    if [path.suffix for path in model] == [RESULT]:
        raise UsageError(
            f"{model[0]} is the result of an evaluation; name another to compare it with"
        )


def _claim(given: Sequence[Path], evaluated: Evaluated) -> None:
    """Make sure that what is to be written may be, before any work is done."""
    from audiotl_cli.evaluation.report.write import COMPARISON, claim_report
    from audiotl_cli.written import claim

    if len(given) > 1:
        claim([_comparison_folder(evaluated) / COMPARISON], overwrite=evaluated.overwrite)
    elif evaluated.report is not None:
        claim_report(evaluated.report, overwrite=evaluated.overwrite)


def _read_index(evaluated: Evaluated) -> Index:
    return options.read_index(options.find_index(evaluated.index), evaluated.audio_root)


def _cross_validate(
    evaluated: Evaluated, trained: Trained, fitting: Fitting, learning: Learning
) -> EvaluateReport:
    from audiotl_cli.experiments.rounds import CrossValidation
    from audiotl_cli.workflows.cross_validate import cross_validate

    assert evaluated.cv is not None
    chosen = CrossValidation(
        evaluated.cv,
        fitting.options(),
        trained.extractor or [],
        options.store_address(evaluated.store),
        n_settings=trained.search,
        reliability=learning.reliability(),
        open_set=evaluated.open_set,
        learning_curve=evaluated.learning_curve,
        positive=evaluated.positive,
        memory=learning.memory,
        report=evaluated.report,
        overwrite=evaluated.overwrite,
    )
    chosen.check()
    index = _read_index(evaluated)
    unit = "fits" if trained.search else "rounds"
    with options.fits(trained.cluster) as run, output.progress("Cross-validating", unit) as update:
        return cross_validate(
            options.project(),
            index,
            chosen,
            run=run,
            on_round=lambda done, total: update(done, total, 0.0),
        )


def _evaluate_models(
    given: Sequence[Path], evaluated: Evaluated, seed: int
) -> list[tuple[EvaluateReport | None, Mapping[str, Any]]]:
    """Evaluate models, and read the results of earlier evaluations; in the order given."""
    from audiotl_cli.evaluation.results import read_result
    from audiotl_cli.workflows.evaluate import EvaluateOptions, evaluate_model

    index = _read_index(evaluated) if any(path.suffix != RESULT for path in given) else None
    several = len(given) > 1
    found: list[tuple[EvaluateReport | None, Mapping[str, Any]]] = []
    for path in given:
        if path.suffix == RESULT:
            found.append((None, read_result(path)))
            continue
        assert index is not None
        folder = evaluated.report
        chosen = EvaluateOptions(
            options.store_address(evaluated.store),
            evaluated.split,
            folder / path.stem if folder and several else folder,
            overwrite=evaluated.overwrite,
            seed=seed,
            positive=evaluated.positive,
        )
        report = evaluate_model(options.project(), index, path, chosen)
        found.append((report, report.result))
    return found


def _compare(
    given: Sequence[Path], values: Sequence[Mapping[str, Any]], evaluated: Evaluated, seed: int
) -> list[Comparison]:
    from audiotl_cli.workflows.compare import compare_evaluations

    names = [path.parent.name if path.suffix == RESULT else path.stem for path in given]
    return compare_evaluations(names, values, _comparison_folder(evaluated), seed)


def _comparison_folder(evaluated: Evaluated) -> Path:
    return evaluated.report or options.project().experiments_dir / "comparison"


def _print(
    found: Sequence[tuple[EvaluateReport | None, Mapping[str, Any]]],
    compared: Sequence[Comparison],
    evaluated: Evaluated,
) -> None:
    from audiotl_cli.cli.show_evaluation import show, show_comparisons

    def show_all() -> None:
        for report, _ in found:
            if report is not None:
                show(report)
        if compared:
            show_comparisons(compared)
            output.line(f"comparison  {_comparison_folder(evaluated) / 'comparison.json'}")

    values = [value for _, value in found]
    values += [{"comparison": comparison.to_dict()} for comparison in compared]
    output.result(values[0] if len(values) == 1 else values, show_all)
