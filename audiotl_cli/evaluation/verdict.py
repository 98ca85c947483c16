"""Say in words whether a model is any use: whether it is better than none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from audiotl_cli.evaluation.intervals import percentiles, resample_means, unit_sums
from audiotl_cli.evaluation.metrics.registry import METRICS
from audiotl_cli.evaluation.outcomes import BoolArray, IntArray, Outcomes
from audiotl_cli.evaluation.ranking import by_chance
from audiotl_cli.evaluation.scores import Scores, weights_of

NO_BETTER, NOT_SHOWN, BETTER_BUT, CLEARLY_BETTER = (
    "no_better", "not_shown", "better_but", "clearly_better",
)  # fmt: skip
CANNOT_SAY = "cannot_say"

CLEARLY = 0.5
"""The share of a baseline's errors that a clearly better model avoids, at least."""
HARDLY = 0.1
"""The share of a baseline's errors below which no better is said, rather than not shown."""
MOST_NAMED = 5


@dataclass(frozen=True)
class Verdict:
    """Whether a model is any use.

    Parameters
    ----------
    text : str
    level : str
        ``clearly_better``, ``better_but``, ``not_shown`` (too few units), ``no_better``, or
        ``cannot_say`` where all clips have one label.
    metric : str
        What was compared; see `Scores.leading`.
    value : float
    interval : tuple of float
    baselines : dict
        By name: ``commonest``, and ``mfcc`` where it was measured.
    """

    text: str
    level: str
    metric: str
    value: float
    interval: tuple[float, float]
    baselines: dict[str, dict[str, Any]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON."""
        return {**vars(self), "interval": list(self.interval)}


@dataclass(frozen=True)
class Rival:
    """A baseline: what it gives, and by how much the model is better.

    Parameters
    ----------
    name : str
        As a sentence has it after "better than".
    value : float
    gain : tuple of float
        95 % interval of the model's metric less the baseline's.
    """

    name: str
    value: float
    gain: tuple[float, float]


def judge(
    outcomes: Outcomes, scores: Scores, units: IntArray, seed: int, mfcc: BoolArray | None = None
) -> Verdict:
    """Compare a model with its baselines.

    Parameters
    ----------
    outcomes : Outcomes
    scores : Scores
        Of these outcomes.
    units : int (n_predictions,)
        Which predictions are right or wrong together; see `number_units`.
    seed : int
        Of the bootstrap.
    mfcc : bool (n_predictions,), optional
        Which predictions a model of MFCC features got right, for the same clips.
    """
    if outcomes.multi_label:
        return _judge_multi_label(outcomes, scores, units, seed)
    counts = Counter(outcomes.truth.tolist())
    label, n_most = max(counts.items(), key=lambda pair: (pair[1], -pair[0]))
    name = outcomes.labels[label]
    share, chance = n_most / len(outcomes.truth), 1 / len(counts)
    baselines: dict[str, dict[str, Any]] = {
        "commonest": {"label": name, "accuracy": share, "balanced_accuracy": chance}
    }
    value, interval = scores.lead
    if len(counts) == 1:
        text = (
            f"All clips evaluated are labelled {name!r}, so they do not show whether the model "
            "tells labels apart."
        )
        return Verdict(text, CANNOT_SAY, scores.leading, value, interval, baselines)
    balanced = scores.leading == "balanced_accuracy"
    weights = weights_of(outcomes)

    def rival(called: str, right: BoolArray) -> Rival:
        gain = outcomes.right.astype(np.float64) - right
        drawn = resample_means(unit_sums(gain, units, weights), seed)
        return Rival(called, float(np.average(right, weights=weights)), percentiles(drawn))

    called = f"always answering {name!r}"
    if balanced:
        called += f" (accuracy {share:.3f})"
    rivals = [rival(called, outcomes.truth == label)]
    if mfcc is not None:
        rivals.append(rival("the same clips' MFCC features with the default classifier", mfcc))
        of_labels = [mfcc[outcomes.truth == number].mean() for number in counts]
        baselines["mfcc"] = {
            "accuracy": float(mfcc.mean()),
            "balanced_accuracy": float(np.mean(of_labels)),
        }
    level, text = _compared(scores, rivals, _counted(outcomes, scores, units))
    if balanced and level in (BETTER_BUT, CLEARLY_BETTER) and scores.accuracy < share:
        text += (
            f" Its accuracy, {scores.accuracy:.3f}, is below {share:.3f}: it recognises rare "
            f"labels at the price of some clips labelled {name!r}."
        )
    return Verdict(text, level, scores.leading, value, interval, baselines)


def _judge_multi_label(outcomes: Outcomes, scores: Scores, units: IntArray, seed: int) -> Verdict:
    shares = outcomes.truth.mean(axis=0)
    commonest = int(shares.argmax())
    prevalence = float(shares[outcomes.present].mean())
    sets = Counter(row.tobytes() for row in outcomes.truth)
    baselines: dict[str, dict[str, Any]] = {
        "commonest": {
            "label": outcomes.labels[commonest],
            "accuracy": max(sets.values()) / len(outcomes.truth),
            "balanced_accuracy": 0.5,
            "mean_average_precision": prevalence,
        }
    }
    value, interval = scores.lead
    low, high = by_chance(outcomes, seed)
    name = "scores that know nothing of the sound"
    rival = Rival(name, prevalence, (value - high, value - low))
    level, text = _compared(scores, [rival], _counted(outcomes, scores, units))
    return Verdict(text, level, scores.leading, value, interval, baselines)


def _counted(outcomes: Outcomes, scores: Scores, units: IntArray) -> str:
    """Return what an interval is over, as a sentence has it before "too few"."""
    if scores.interval_over == "groups":
        n, noun = len(np.unique(units)), "group"
    else:
        n, noun = len(outcomes.truth) // outcomes.n_repeats, "clip"
    return f"{n} {noun} is" if n == 1 else f"{n} {noun}s are"


def _compared(scores: Scores, rivals: Sequence[Rival], counted: str) -> tuple[str, str]:
    """Return the level and the sentences of a comparison with baselines, the first most basic."""
    first = rivals[0]
    value, (low, high) = scores.lead
    metric = METRICS[scores.leading].title
    against = f"{metric} {value:.2f} against {first.value:.2f}"
    if "(accuracy" in first.name:  # the accuracy of the baseline is named already
        against = f"{metric} {value:.2f}, chance {first.value:.2f}"
    missed = _never_recognised(scores)
    avoided = (value - first.value) / max(1 - first.value, 1e-9)
    too_few = value >= 1 and low <= first.value  # what is all right does not vary when resampled
    if first.gain[0] <= 0 or too_few:
        if avoided < HARDLY:
            level, text = NO_BETTER, f"No better than {first.name}: {against}."
        else:
            level = NOT_SHOWN
            text = (
                f"Not shown to be better than {first.name}: {against} (95 % interval {low:.2f} to "
                f"{high:.2f}); {counted} too few to tell."
            )
        return level, f"{text} {missed}".strip()
    wrong = _still_wrong(scores) if avoided < CLEARLY else ""
    beaten = [rival for rival in rivals[1:] if rival.gain[0] > 0]
    equal = [rival for rival in rivals[1:] if rival.gain[0] <= 0]
    buts = [wrong, *(f"no better than {rival.name} ({rival.value:.2f})" for rival in equal)]
    level = BETTER_BUT if any([*buts, missed]) else CLEARLY_BETTER
    text = f"{'Better' if level == BETTER_BUT else 'Clearly better'} than {first.name}: {against}"
    text += "".join(f"; better than {rival.name} ({rival.value:.2f})" for rival in beaten)
    if said := " and ".join(filter(None, buts)):
        text += f", but {said}"
    return level, f"{text}. {missed}".strip()


def _still_wrong(scores: Scores) -> str:
    value, _ = scores.lead
    if scores.leading == "accuracy":
        return f"{100 * (1 - value):.0f} % of the clips get another label"
    if scores.leading == "balanced_accuracy":
        return f"on average {100 * (1 - value):.0f} % of a label's clips get another label"
    return "it is far from ranking all clips of a label before the others"


def _never_recognised(scores: Scores) -> str:
    """Return which labels no clip was rightly predicted to have."""
    present = [label for label in scores.labels if scores.per_label[label]["n_clips"]]
    missed = [label for label in present if not scores.per_label[label]["recall"]]
    if not missed:
        return ""
    named = ", ".join(missed[:MOST_NAMED]) + (", ..." if len(missed) > MOST_NAMED else "")
    verb = "is" if len(missed) == 1 else "are"
    return f"{len(missed)} of {len(present)} labels {verb} never recognised: {named}."
