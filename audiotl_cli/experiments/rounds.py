"""The rounds of a cross-validation: fit on some clips, predict the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.trials import Runner
from audiotl_cli.classifiers.unfitted import check_options
from audiotl_cli.errors import UsageError
from audiotl_cli.evaluation.outcomes import FloatArray
from audiotl_cli.evaluation.protocols import Round, parse_protocol
from audiotl_cli.evaluation.report.write import claim_report
from audiotl_cli.evaluation.task import task_of
from audiotl_cli.experiments.balance import Balancing, decide_balance
from audiotl_cli.experiments.features import LabelledFeatures, of_extractors
from audiotl_cli.experiments.search import choose, deal_folds, plan
from audiotl_cli.experiments.training import SCORES_ALONE, Reliability, fit_rows, score_rows
from audiotl_cli.storage.paths import AnyPath

OnRound = Callable[[int, int], None]

MOST_DECISIONS = 25
"""Rounds that decide on balancing by themselves; of more, all follow one decision."""


@dataclass(frozen=True)
class CrossValidation:
    """What to cross-validate, and how.

    Parameters
    ----------
    protocol : str
        ``fold``: the index's folds; ``group``: leave one group out; a number of folds, dealt
        so that groups stay together; or that and how often, such as ``5x10``.
    classifier : ClassifierOptions
    extractors : sequence of str
        Whose features to use, put side by side; empty for the store used last.
    store : Path, RemotePath or None
        A folder of feature stores, or one store; None for the project's stores.
    n_settings : int
        How many settings to try in every round, among the clips it trains on; the clips held
        out have no part in the choice. 0 takes `classifier` as it is.
    reliability : Reliability
        Calibration and rejection, learnt in every round among the clips it trains on.
    open_set : bool
        Whether to measure how well clips of labels left out of training are noticed.
    positive : str or None
        Which of two labels is to be found; None chooses one, see `choose_positive`.
    learning_curve : bool
        Whether to measure how accuracy grows with the number of clips.
    memory : int or None
        Bytes that frames that vote, and what is made of them, may take; None is half of this
        machine's.
    report : Path or None
        Folder for the report; None names one in the project.
    overwrite : bool
        Whether files in that folder that somebody else made may be lost.
    """

    protocol: str
    classifier: ClassifierOptions = field(default_factory=ClassifierOptions)
    extractors: Sequence[str] = ()
    store: AnyPath | None = None
    n_settings: int = 0
    reliability: Reliability = SCORES_ALONE
    open_set: bool = False
    positive: str | None = None
    learning_curve: bool = False
    memory: int | None = None
    report: Path | None = None
    overwrite: bool = False

    def check(self, *, multi_label: bool = False) -> None:
        """Refuse what cannot be done whatever the features are, before any is read.

        Raises
        ------
        UsageError
            Options that do not exist or do not go together, or the report cannot be written.
        """
        parse_protocol(self.protocol)
        check_options(replace(self.classifier, multi_label=multi_label))
        self.reliability.check(multi_label=multi_label)
        if self.open_set and multi_label:
            raise UsageError(
                "--open-set leaves out one label at a time, but clips of this index have several"
            )
        if self.report is not None:
            claim_report(self.report, overwrite=self.overwrite)


@dataclass
class HeldOut:
    """What the models of all rounds predict for the clips held out, as it comes.

    Parameters
    ----------
    repeats : list of float64 (n_clips, n_labels)
        Scores, one array every time all clips were dealt.
    accuracies : dict
        Of every round, by name.
    chosen : dict
        The settings that every round chose, where settings are tried.
    n_rejected : float64 (n_clips,)
        How often each clip was rejected.
    balanced : dict
        Whether labels were balanced in every round, by name.
    """

    repeats: list[FloatArray]
    accuracies: dict[str, float]
    chosen: dict[str, dict[str, Any]]
    n_rejected: FloatArray
    balanced: dict[str, bool] = field(default_factory=dict)

    @property
    def mostly_balanced(self) -> bool:
        """Whether labels were balanced in more than half of the rounds."""
        return 2 * sum(self.balanced.values()) > len(self.balanced)


@dataclass
class Rounds:
    """Fits the models of all rounds, one after the other.

    Parameters
    ----------
    data : LabelledFeatures
    labels : list of str
        All that any clip has, sorted.
    options : CrossValidation
    run : Runner or None
        What does the fits of a search.
    on_round : callable
        Takes how much is done, and of how much.
    """

    data: LabelledFeatures
    labels: list[str]
    options: CrossValidation
    run: Runner | None
    on_round: OnRound
    _once: Balancing | None = field(default=None, init=False)

    def predict(self, deals: Sequence[Sequence[Round]]) -> HeldOut:
        """Return what is predicted for every clip in each deal."""
        n_clips = len(self.data.clips)
        n_rounds = sum(len(rounds) for rounds in deals)
        task = task_of(multi_label=self.data.multi_label)
        found = HeldOut([], {}, {}, np.zeros(n_clips))
        done = 0
        for number, rounds in enumerate(deals, 1):
            matrix = np.zeros((n_clips, len(self.labels)))
            for part in rounds:
                name = part.name if len(deals) == 1 else f"{number}.{part.name}"
                classifier = self._decided(part.train, n_rounds)
                model, data, chosen = self._fit(part, classifier, done, n_rounds)
                if chosen:
                    found.chosen[name] = chosen
                found.balanced[name] = bool(classifier.balance)
                columns = [self.labels.index(label) for label in model.labels]
                matrix[np.ix_(part.test, columns)] = scores = score_rows(model, data, part.test)
                if self.options.reliability.reject is not None:
                    frames = [data.frames[i] for i in part.test]
                    found.n_rejected[part.test] += model.rejects(frames, scores)
                predicted = task.decode(task.predict(matrix[part.test]), self.labels)
                right = [
                    label == self.data.labels[i]
                    for label, i in zip(predicted, part.test, strict=True)
                ]
                found.accuracies[name] = sum(right) / len(right)
                done += 1
                if not self.options.n_settings:
                    self.on_round(done, n_rounds)
            found.repeats.append(matrix)
        return found

    def _decided(self, rows: Sequence[int], n_rounds: int) -> ClassifierOptions:
        """Return options that say whether to balance labels."""
        if n_rounds <= MOST_DECISIONS:
            return decide_balance(self.data, rows, self.options.classifier, self.run).options
        if self._once is None:
            every = range(len(self.data.clips))
            self._once = decide_balance(self.data, every, self.options.classifier, self.run)
        return self._once.options

    def _fit(
        self, part: Round, classifier: ClassifierOptions, done: int, n_rounds: int
    ) -> tuple[ClipClassifier, LabelledFeatures, dict[str, Any]]:
        """Return the model of a round, the features it takes, and the settings it chose."""
        options, data = self.options, self.data
        if not options.n_settings:
            return fit_rows(data, part.train, classifier, options.reliability), data, {}

        def on_fit(fits: int, of: int) -> None:
            self.on_round(done * of + fits, n_rounds * of)

        candidates = plan(data, part.train, options.n_settings, classifier)
        folds = deal_folds(data, part.train, classifier.seed)
        choice = choose(data, part.train, candidates, folds, on_progress=on_fit, run=self.run)
        used = of_extractors(data, choice.chosen.setting.parts)
        model = fit_rows(used, part.train, choice.options, options.reliability)
        return model, used, choice.as_json(choice.chosen)
