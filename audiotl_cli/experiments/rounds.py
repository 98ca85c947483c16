"""The rounds of a cross-validation: fit on some clips, predict the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.trials import Runner
from audiotl_cli.evaluation.outcomes import FloatArray
from audiotl_cli.evaluation.protocols import Round
from audiotl_cli.evaluation.task import task_of
from audiotl_cli.experiments.choose import choose, deal_folds, only, plan
from audiotl_cli.experiments.features import LabelledFeatures
from audiotl_cli.experiments.fit import SCORES_ALONE, Reliability, fit_rows
from audiotl_cli.experiments.fitting import score_rows

OnRound = Callable[[int, int], None]


@dataclass(frozen=True)
class CrossValidation:
    """What to cross-validate, and how.

    Parameters
    ----------
    protocol : str
        ``fold``: the index's folds; ``group``: leave one group out; a number of folds, dealt
        so that groups stay together; or that and how often, such as ``5x10``.
    classifier : ClassifierOptions
    extractors : list of str
        As for `train_model`.
    n_settings : int
        How many settings to try in every round, among the clips it trains on; the clips held
        out have no part in the choice. 0 takes `classifier` as it is.
    reliability : Reliability
        Calibration and rejection, learnt in every round among the clips it trains on.
    open_set : bool
        Whether to measure how well clips of labels left out of training are noticed.
    learning_curve : bool
        Whether to measure how accuracy grows with the number of clips.
    memory : int or None
        As for `train_model`.
    """

    protocol: str
    classifier: ClassifierOptions = field(default_factory=ClassifierOptions)
    extractors: list[str] = field(default_factory=list)
    n_settings: int = 0
    reliability: Reliability = SCORES_ALONE
    open_set: bool = False
    learning_curve: bool = False
    memory: int | None = None


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
    """

    repeats: list[FloatArray]
    accuracies: dict[str, float]
    chosen: dict[str, dict[str, Any]]
    n_rejected: FloatArray


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
                model, data, chosen = self._fit(part, done, n_rounds)
                if chosen:
                    found.chosen[name] = chosen
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

    def _fit(
        self, part: Round, done: int, n_rounds: int
    ) -> tuple[ClipClassifier, LabelledFeatures, dict[str, Any]]:
        """Return the model of a round, the features it takes, and the settings it chose."""
        options, data = self.options, self.data
        if not options.n_settings:
            return fit_rows(data, part.train, options.classifier, options.reliability), data, {}

        def on_fit(fits: int, of: int) -> None:
            self.on_round(done * of + fits, n_rounds * of)

        candidates = plan(data, part.train, options.n_settings, options.classifier)
        folds = deal_folds(data, part.train, options.classifier.seed)
        choice = choose(data, part.train, candidates, folds, on_progress=on_fit, run=self.run)
        used = only(data, choice.chosen.setting.parts)
        model = fit_rows(used, part.train, choice.options, options.reliability)
        return model, used, choice.as_json(choice.chosen)
