"""``audiotl evaluate``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from audiotl_cli.cli import options, output
from audiotl_cli.cli.fitting import Fitting, Learning, names_of, spread

EXAMPLES = "Examples:  audiotl evaluate   |   audiotl evaluate --cv fold --classifier linear-svm"
RESULT = ".json"  # of a report


@spread
def evaluate(
    context: typer.Context,
    *,
    model: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Model files, or report.json of earlier evaluations; several are compared with "
            "the first.  [default: the newest in data/models]"
        ),
    ] = None,
    index: options.IndexFile = None,
    store: options.Store = None,
    split: Annotated[str, typer.Option(help="Which split to evaluate on.")] = "test",
    cv: Annotated[
        str | None,
        typer.Option(
            "--cv",
            metavar="fold|group|K|KxN",
            help="Cross-validate instead: fit one model a fold, with the options below; 5x10 deals "
            "5 folds 10 times.",
        ),
    ] = None,
    open_set: Annotated[
        bool,
        typer.Option(
            "--open-set",
            help="With --cv: leave out one label after the other, and see whether it is noticed.",
        ),
    ] = False,
    learning_curve: Annotated[
        bool,
        typer.Option(
            "--learning-curve",
            help="With --cv: how accuracy grows with clips, and what twice as many would bring "
            "(its interval: which clips were tested, not how the curve goes on).",
        ),
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="Folder of the report.  [default: data/experiments/...]")
    ] = None,
    overwrite: options.Overwrite = False,
    trust: options.TrustModel = None,
    extractor: options.Extractors = None,
    fitting: Fitting,
    search: options.Search = 0,
    cluster: options.Cluster = None,
    learning: Learning,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Measure how good a model is, on clips it has not seen."""
    from audiotl_cli.cli.show_evaluation import show, show_comparisons
    from audiotl_cli.dataset.index import Index
    from audiotl_cli.errors import UsageError
    from audiotl_cli.evaluation.report.write import COMPARISON, claim_report
    from audiotl_cli.workflows.compare import compare_results, read_result, write_pages
    from audiotl_cli.workflows.cross_validate import Extras, cross_validate
    from audiotl_cli.workflows.evaluate import evaluate_model
    from audiotl_cli.workflows.project import EXPERIMENTS, newest_index, newest_model
    from audiotl_cli.workflows.report import EvaluateReport
    from audiotl_cli.written import claim

    of_fits = {"extractor", "search", *names_of(Fitting, Learning)} - {"seed"}
    if cv is None and (unused := options.typed(context, "open_set", "learning_curve")):
        raise UsageError(f"{', '.join(unused)} without --cv: these fit models of their own")
    if cv is None and (unused := options.typed(context, *of_fits)):
        raise UsageError(
            f"{', '.join(unused)} without --cv: a saved model keeps what it was trained with; "
            "train another with audiotl train, or cross-validate with --cv"
        )
    if search and (unused := options.typed(context, "open_set", "learning_curve")):
        raise UsageError(
            f"{', '.join(unused)} with --search: settings would be sought hundreds of times; "
            "search first, then give what was chosen"
        )
    if cluster and not search:
        raise UsageError("--cluster without --cv and --search: nothing else is done on a cluster")
    if cv is not None and options.typed(context, "split"):
        raise UsageError("--cv evaluates on every clip: give no --split with it")
    if cv is not None and model:
        raise UsageError("--cv fits its own models: give no model file with it")
    given = [] if cv is not None else model or [newest_model()]
    if [one.suffix for one in given] == [RESULT]:
        raise UsageError(f"{given[0]} is an evaluation already: give another to compare it with")
    beside = report or EXPERIMENTS / "comparison"
    if len(given) > 1:
        claim([beside / COMPARISON], overwrite=overwrite)
    elif report is not None:
        claim_report(report, overwrite=overwrite)
    reports: list[EvaluateReport | None] = []
    values = []
    if not given or any(one.suffix != RESULT for one in given):
        path = index or newest_index()
        clips = Index.read(path)
        root = options.features_root(store)
        output.note(f"Index {path}")
    if cv is not None:
        unit = "fits" if search else "rounds"
        with options.fits(cluster) as run, output.progress("Cross-validating", unit) as update:
            measured = cross_validate(
                clips,
                root,
                extractor or [],
                fitting.options(),
                cv,
                n_settings=search,
                trust=learning.trust(),
                extras=Extras(open_set, learning_curve),
                report=report,
                experiments=EXPERIMENTS,
                overwrite=overwrite,
                memory=learning.memory,
                run=run,
                on_round=lambda done, total: update(done, total, 0.0),
            )
        reports.append(measured)
        values.append(measured.result)
    for one in given:
        if one.suffix == RESULT:
            reports.append(None)
            values.append(read_result(one))
            continue
        output.note(f"Model {one}")
        folder = report / one.stem if report and len(given) > 1 else report
        measured = evaluate_model(
            one,
            clips,
            root,
            split=split,
            report=folder,
            experiments=EXPERIMENTS,
            overwrite=overwrite,
            seed=fitting.seed,
            trust=trust or (),
        )
        reports.append(measured)
        values.append(measured.result)
    compared: list[dict[str, Any]] = []
    try:
        if len(values) > 1:
            names = [one.parent.name if one.suffix == RESULT else one.stem for one in given]
            compared = compare_results(names, values, beside, fitting.seed)
    finally:
        write_pages(reports, compared)

    def show_all() -> None:
        for found in filter(None, reports):
            show(found)
        if compared:
            show_comparisons(compared)
            output.line(f"comparison  {beside / 'comparison.json'}")

    listed = [*values, *({"comparison": one} for one in compared)]
    output.result(listed[0] if len(listed) == 1 else listed, show_all)
    if cv is not None:
        output.next_command(
            f"audiotl train{options.carry(context, 'index', 'store', 'seed', *of_fits)}"
        )
    elif given[0].suffix != RESULT:
        file = f" --model {shlex.quote(str(model[0]))}" if model else ""
        output.next_command(f"audiotl predict FILE{file}")
