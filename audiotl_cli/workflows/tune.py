"""Choose extractor, pooling, classifier and parameters, and save what was chosen."""

from __future__ import annotations

from dataclasses import replace

from audiotl_cli.classifiers.trials import Runner
from audiotl_cli.dataset.index import Index
from audiotl_cli.experiments.audible import check_audible
from audiotl_cli.experiments.balance import decide_balance
from audiotl_cli.experiments.features import is_multi_label, of_extractors, read_all_features
from audiotl_cli.experiments.options import TrainOptions
from audiotl_cli.experiments.predecessor import warn_of_lost_labels
from audiotl_cli.experiments.saving import fit_and_save
from audiotl_cli.experiments.search import OnProgress, choose, deal_folds, plan
from audiotl_cli.experiments.splits import rows_to_train_on
from audiotl_cli.experiments.tuning_notes import TuningNotes
from audiotl_cli.project import Project
from audiotl_cli.workflows.train import TrainReport, model_path


def tune_model(
    project: Project,
    index: Index,
    options: TrainOptions,
    *,
    run: Runner | None = None,
    on_fit: OnProgress = lambda done, total: None,
) -> TrainReport:
    """Try settings on one split of an index, and save a model of the chosen one.

    The results so far are kept beside the model until it is saved, so that the same call
    continues where it was interrupted, and gives the same bytes. Parameters and errors are those
    of `train_model`.
    """
    options.check(multi_label=is_multi_label(index))
    data = read_all_features(
        project, index, options.store, options.extractors, memory=options.memory
    )
    rows, classifier = rows_to_train_on(data, options.split), options.of(data)
    check_audible(project, data, rows)
    warn_of_lost_labels(project, index, [data.labels[i] for i in rows])
    path = model_path(project, index, data, options, how="tune")
    path.parent.mkdir(parents=True, exist_ok=True)
    decided = decide_balance(data, rows, classifier, run)
    candidates = plan(data, rows, options.n_settings, decided.options)
    folds = deal_folds(data, rows, classifier.seed)
    notes = TuningNotes(path.with_name(f"{path.name}.tuning.json"), data, rows, folds, candidates)
    try:
        choice = choose(
            data,
            rows,
            candidates,
            folds,
            known=notes.known(),
            on_fit=notes.add,
            on_progress=on_fit,
            run=run,
        )
    finally:
        notes.save()
    choice = replace(choice, balancing=decided.to_dict())
    used = of_extractors(data, choice.chosen.setting.parts)
    card = fit_and_save(
        path, index, used, rows, choice.options,
        split=options.split, reliability=options.reliability, choice=choice,
    )  # fmt: skip
    notes.delete()
    return TrainReport(path, card, used.stores)
