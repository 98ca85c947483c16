"""Set from which scores a model reports events, and save that in the model."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from audiotl_cli.classifiers.card import ModelCard
from audiotl_cli.classifiers.event_thresholds import EventThreshold
from audiotl_cli.classifiers.model_file import dump_model, load_model_file
from audiotl_cli.dataset.numbers import parse_number
from audiotl_cli.dataset.table import list_columns, open_table
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.experiments.event_thresholds import choose_threshold, n_needed
from audiotl_cli.experiments.saving import write_card
from audiotl_cli.spelling import did_you_mean
from audiotl_cli.written import claim, write_output

COLUMNS = ("label", "score", "verdict")
RIGHT = ("right", "correct", "true", "yes", "1")
WRONG = ("wrong", "incorrect", "false", "no", "0", "other", "other label")
"""Verdicts, in any case of letters; events with other verdicts are not judged."""

GIVEN = "given by hand"


@dataclass(frozen=True)
class ThresholdOptions:
    """Which thresholds a model is to have.

    Parameters
    ----------
    given : mapping
        Thresholds of labels.
    precision : float or None
        The share of reported events that should be right, with `verdicts`.
    verdicts : Path or None
        A table of events with their label, score and verdict.
    clear : bool
        Whether the thresholds that it has are forgotten first.
    overwrite : bool
        Whether a model that audiotl did not write here may be changed.
    """

    given: Mapping[str, float] = field(default_factory=dict)
    precision: float | None = None
    verdicts: Path | None = None
    clear: bool = False
    overwrite: bool = False

    def check(self) -> None:
        """Raise `UsageError` for options that do not go together."""
        if (self.precision is None) != (self.verdicts is None):
            raise UsageError(
                "--precision needs --verdicts, a table of judged events, and --verdicts needs "
                "--precision, such as 0.9"
            )
        if self.precision is not None and not 0 < self.precision < 1:
            raise UsageError(f"--precision is {self.precision}, expected a share between 0 and 1")


@dataclass(frozen=True)
class ThresholdReport:
    """The thresholds of a model.

    Parameters
    ----------
    path : Path
    thresholds : dict
        By label.
    refused : dict
        Labels for which the table has too little evidence, and why.
    n_judged, n_other : int
        Events of the table with a verdict, and those without, or with another one.
    changed : bool
        Whether the model was saved anew.
    """

    path: Path
    thresholds: dict[str, EventThreshold]
    refused: dict[str, str]
    n_judged: int = 0
    n_other: int = 0
    changed: bool = False


def set_thresholds(path: Path, options: ThresholdOptions) -> ThresholdReport:
    """Set thresholds of a model, or only return those that it has.

    Raises
    ------
    DataError
        The table cannot be read, or has too little evidence for every label.
    ArtifactError
        The model cannot be loaded.
    UsageError
        Options that do not fit, or a label that the model does not have.
    """
    options.check()
    classifier, card = load_model_file(path)
    before = {label: EventThreshold(**values) for label, values in card.thresholds.items()}
    thresholds = {} if options.clear else dict(before)
    refused: dict[str, str] = {}
    n_judged = n_other = 0
    if options.precision is not None and options.verdicts is not None:
        judged, n_other = read_verdicts(options.verdicts)
        n_judged = sum(map(len, judged.values()))
        _know(judged, card)
        source = options.verdicts.name
        for label, events in sorted(judged.items()):
            found = choose_threshold(
                [score for score, _ in events], [ok for _, ok in events], options.precision, source
            )
            if found is None:
                refused[label] = _too_little(events, options.precision)
            else:
                thresholds[label] = found
        if refused.keys() == judged.keys():
            reasons = "; ".join(f"{label}: {text}" for label, text in refused.items())
            raise DataError(f"{options.verdicts} has too little evidence ({reasons})")
    _know(options.given, card)
    for label, score in options.given.items():
        thresholds[label] = EventThreshold(score, 0.0, 0.0, 0.0, 1.0, 0, GIVEN)
    changed = thresholds != before
    if changed:
        claim([path], overwrite=options.overwrite)
        values = {label: asdict(found) for label, found in sorted(thresholds.items())}
        card = replace(card, thresholds=values)
        write_output(path, dump_model(classifier, card))
        write_card(card, path)
    return ThresholdReport(path, thresholds, refused, n_judged, n_other, changed)


def _know(labels: Mapping[str, object], card: ModelCard) -> None:
    for label in labels:
        if label not in card.labels:
            raise UsageError(
                f"{label!r} is none of the model's labels ({', '.join(card.labels[:10])})"
                f"{did_you_mean(label, card.labels)}"
            )


def _too_little(events: list[tuple[float, bool]], target: float) -> str:
    n, n_right = len(events), sum(ok for _, ok in events)
    text = f"{n_right} of {n} judged events are right"
    if n < n_needed(target):
        return f"{text}, and at least {n_needed(target)} are needed, all of them right"
    return f"{text}, and from no score on are enough of them"


def read_verdicts(path: Path) -> tuple[dict[str, list[tuple[float, bool]]], int]:
    """Read a table of judged events.

    Returns
    -------
    judged : dict
        By label, the scores of its events and whether they are right.
    n_other : int
        Events without a verdict, or with another one than right or wrong.

    Raises
    ------
    DataError
        The table lacks a column, or a score is no number; says which.
    """
    judged: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    others = Counter[str]()
    with open_table(path) as table:
        reader = csv.DictReader(table.lines, delimiter=table.delimiter)
        names = [name.strip().casefold() for name in reader.fieldnames or []]
        if missing := [name for name in COLUMNS if name not in names]:
            raise DataError(
                f"{path} has no column {', '.join(missing)} (it has {list_columns(names)}); "
                "expected the label, the score and the verdict (right or wrong) of each event"
            )
        for number, row in enumerate(reader, start=2):
            values = {str(key).strip().casefold(): value or "" for key, value in row.items()}
            verdict = values["verdict"].strip().casefold()
            if verdict not in RIGHT + WRONG:
                others[verdict] += 1
                continue
            where = f"{path}, row {number}"
            score = parse_number(values["score"], where, "score")
            if score is None:
                raise DataError(f"{where}: there is no score")
            judged[values["label"].strip()].append((score, verdict in RIGHT))
    if not judged:
        raise DataError(f"{path} has no event with the verdict right or wrong")
    return dict(judged), others.total()
