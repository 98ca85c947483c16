"""An evaluation on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from audiotl_cli.cli import output, show_settings
from audiotl_cli.text import counted

if TYPE_CHECKING:
    from audiotl_cli.evaluation.binary import Binary
    from audiotl_cli.evaluation.comparison import Comparison
    from audiotl_cli.evaluation.evaluation import Evaluation
    from audiotl_cli.evaluation.learning_curve import LearningCurve
    from audiotl_cli.evaluation.open_set import OpenSet
    from audiotl_cli.evaluation.scores import Scores
    from audiotl_cli.workflows.report import EvaluateReport

MOST_COLUMNS = 24  # a wider confusion matrix is left to the figure
LEAST_NAME = 8  # columns; a confusion matrix whose names get less is, too
MOST_LEAKS = 5
MOST_LISTED = 3  # clips that may be mislabelled, and pairs; the report has all
MOST_ROUNDS = 20
SHOWN_THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.9)
VERDICT_STYLES = {"clearly_better": "bold green", "no_better": "bold red"}
MOST_LABELS, FEW_LABELS = 60, 20
"""Of more labels than the first, only so many are listed, those of the lowest F1."""


def show(report: EvaluateReport) -> None:
    """Print what was measured, and where it was written to."""
    evaluation = report.evaluation
    output.line(evaluation.title, style="bold")
    if evaluation.verdict:
        show_verdict(evaluation.verdict.text, evaluation.verdict.level)
    output.warnings(evaluation.source.doubts)
    if (evaluation.source.card or {}).get("events"):
        output.line(
            "This model finds events. What follows is about whole clips: the label heard most in "
            "each, beside the background"
        )
    _show_scores(evaluation)
    if evaluation.binary:
        _show_binary(evaluation.binary)
    _show_leaks(evaluation)
    _show_rounds(evaluation)
    _show_labels(evaluation.scores)
    if len(evaluation.scores.labels) <= MOST_COLUMNS:
        show_confusion(evaluation.scores)
    _show_calibration(evaluation)
    if evaluation.learning_curve:
        _show_curve(evaluation.learning_curve)
    if evaluation.open_set:
        _show_open_set(evaluation.open_set)
    _show_suspects(evaluation)
    files = {"report": "report.json", "figure": "confusion.png", "page": "report.html"}
    for kind, name in files.items():
        if (path := report.folder / name).exists():
            output.line(f"{kind:<8}{path}")


def show_verdict(text: str, level: str) -> None:
    """Print whether a model is any use."""
    output.line(text, style=VERDICT_STYLES.get(level, "bold yellow"))


def _show_scores(evaluation: Evaluation) -> None:
    """Print the metric that counts and the accuracy, with intervals, and every other metric."""
    from audiotl_cli.evaluation.metrics.registry import METRICS, all_metrics

    scores = evaluation.scores
    low, high = scores.interval
    n_trained_on = evaluation.source.n_trained_on
    trained_on = f", including {counted(n_trained_on, 'training clip')}" if n_trained_on else ""
    over = " over groups" if scores.interval_over == "groups" else ""
    others = "   ".join(
        f"{metric.title} {scores.metrics[metric.name]:.3f}"
        for metric in all_metrics()
        if metric.name in scores.metrics and metric.name not in ("accuracy", scores.leading)
    )
    if scores.leading != "accuracy":
        value, (least, most) = scores.lead
        output.line(
            f"{METRICS[scores.leading].title} {value:.3f}  (95 % interval {least:.3f} to "
            f"{most:.3f}{over})" + ("   (multi-label)" if evaluation.multi_label else "")
        )
    accuracy = (
        f"accuracy {scores.accuracy:.3f}  (95 % interval {low:.3f} to {high:.3f}{over}, "
        f"{counted(evaluation.n_clips, 'clip')}{trained_on})"
    )
    if not evaluation.multi_label:
        output.line(f"{accuracy}   {others}")
        return
    output.line(others)
    output.line(f"{accuracy}: share of clips whose predicted labels are all correct")


def _show_binary(found: Binary) -> None:
    """Print how well one of two labels is found, and from which score to call it."""
    why = {
        "option": "as asked for",
        "name": "by its name; --positive chooses another",
        "rarer": "the rarer; --positive chooses another",
        "alphabet": "the first of two equally common ones; --positive chooses another",
    }
    output.line(f"{found.text}; {found.positive!r} is positive, {why[found.chosen_by]}")
    numbers = ("sensitivity", "specificity", "precision")
    score = f"{found.positive} from a score of"
    grid = output.table(score, *numbers, numbers=numbers, optional=("precision",))
    for at in found.thresholds:
        best = at.threshold == found.best_threshold
        if not best and at.threshold not in SHOWN_THRESHOLDS:
            continue
        precision = "" if at.precision is None else f"{at.precision:.2f}"
        name = f"{at.threshold:.3g}" + (" (highest mean of both)" if best else "")
        grid.add_row(name, f"{at.sensitivity:.2f}", f"{at.specificity:.2f}", precision)
    output.show(grid)


def _show_rounds(evaluation: Evaluation) -> None:
    """Print the accuracy of every repeat or round, and what each round chose."""
    source, repeats = evaluation.source, evaluation.scores.repeats
    if repeats:
        values = "  ".join(f"{value:.3f}" for value in repeats[:MOST_ROUNDS])
        more = f"  ... {len(repeats)} in total" if len(repeats) > MOST_ROUNDS else ""
        output.line(f"accuracy by repeat  {values}{more}")
    elif source.rounds and len(source.rounds) <= MOST_ROUNDS:
        rounds = "  ".join(f"{name}: {value:.3f}" for name, value in source.rounds.items())
        output.line(f"accuracy by round  {rounds}")
    for name, setting in source.settings.get("chosen", {}).items():
        output.line(
            f"setting chosen for round {name}, without using its test clips: "
            f"{show_settings.setting(setting)}, "
            f"{show_settings.networks(setting['extractors'])}"
        )


def _show_labels(scores: Scores) -> None:
    from audiotl_cli.evaluation.metrics.registry import all_label_metrics

    labels = list(scores.labels)
    if len(labels) > MOST_LABELS:
        labels = scores.lowest(FEW_LABELS)
        output.line(f"{len(labels)} of {len(scores.labels)} labels, with the lowest F1:")
    metrics = [
        metric
        for metric in all_label_metrics()
        if any(metric.name in scores.per_label[label] for label in labels)
    ]
    numbers = ("clips", *(metric.title for metric in metrics))
    confused_with = "most often confused with"
    optional = (confused_with, "precision", "recall")
    grid = output.table("label", *numbers, confused_with, numbers=numbers, optional=optional)
    number = {label: row for row, label in enumerate(scores.labels)}
    for label in labels:
        row = scores.per_label[label]
        measured = row if row["n_clips"] else {}
        values = (measured.get(metric.name) for metric in metrics)
        confused = scores.confused_with(number[label])
        grid.add_row(
            output.clean(label),
            str(row["n_clips"]),
            *("" if value is None else f"{value:.2f}" for value in values),
            f"{output.clean(confused[0])} ({confused[1]})" if confused else "",
        )
    output.show(grid)


def show_confusion(scores: Scores) -> None:
    """Print a confusion matrix, or that it is too wide to print."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from audiotl_cli.text import without_middle

    letters = [chr(ord("a") + i) for i in range(len(scores.labels))]
    digits = max(3, len(str(scores.confusion.max())))
    room = output.console().width - (digits + 1) * len(letters) - 2
    if room < LEAST_NAME:
        output.line("confusion matrix too wide to show; see the figure")
        return
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    grid.add_column("true \\ predicted", no_wrap=True, max_width=room)
    for letter in letters:
        grid.add_column(letter, justify="right", min_width=digits, no_wrap=True)
    none = "·" if output.console().encoding.startswith("utf") else "."
    for row, label in enumerate(scores.labels):
        n_clips = max(int(scores.confusion[row].sum()), 1)
        cells = []
        for column, count in enumerate(scores.confusion[row].tolist()):
            share = count / n_clips
            style = "bold green" if row == column else "bold red" if share >= 0.1 else "yellow"
            cells.append(Text(str(count), style) if count else Text(none, "dim"))
        name = without_middle(output.clean(label), room - 2)
        grid.add_row(f"{letters[row]} {name}", *cells)
    output.show(grid)


def show_comparisons(found: Sequence[Comparison]) -> None:
    """Print which model is better, a line a pair."""
    for comparison in found:
        low, high = comparison.interval
        output.line(comparison.verdict, style="bold")
        output.line(
            f"  {comparison.metric.replace('_', ' ')} {comparison.difference:+.3f}  "
            f"(95 % interval {low:+.3f} to {high:+.3f})   "
            f"p = {comparison.p_value:.2g} by {comparison.test}"
            + (", corrected for multiple comparisons" if len(found) > 1 else "")
        )


def _show_calibration(evaluation: Evaluation) -> None:
    """Print how far confidence is from accuracy, and how many clips were rejected."""
    if calibration := evaluation.calibration:
        output.line(
            f"confidence is wrong by {100 * calibration.ece:.0f} points on average (0 is perfect; "
            f"ECE {calibration.ece:.3f} over 10 bins, Brier score {calibration.brier:.3f})"
        )
    if rejection := evaluation.rejection:
        accepted = rejection.accuracy_of_the_rest
        accuracy = "" if accepted is None else f"; accuracy of the other clips {accepted:.3f}"
        output.line(
            f"{rejection.n_rejected} of {evaluation.n_clips} clips rejected as having none of "
            f"the labels{accuracy}"
        )


def _show_curve(curve: LearningCurve) -> None:
    grid = output.table("trained on", "accuracy", "95 % interval", numbers=("trained on",))
    for point in [*curve.points, curve.twice]:
        low, high = point.interval
        how = "  extrapolated" if point is curve.twice else ""
        grid.add_row(str(point.n_clips), f"{point.accuracy:.3f}", f"{low:.3f} to {high:.3f}{how}")
    output.show(grid)


def _show_open_set(found: OpenSet) -> None:
    hardest = min(found.per_label, key=lambda label: found.per_label[label].auroc)
    output.line(
        f"clips of unseen labels are recognised as unknown with AUROC {found.mean.auroc:.3f}; "
        f"{found.mean.fpr95:.0%} of them are accepted when 95 % of the known clips are; "
        f"hardest label: {hardest} ({found.per_label[hardest].auroc:.3f})"
    )


def _show_leaks(evaluation: Evaluation) -> None:
    """Print test clips that are also training clips, and the accuracy without them."""
    leaks = evaluation.leaks
    if not leaks:
        return
    n = len(leaks)
    clips = "test clip has" if n == 1 else "test clips have"
    output.line(
        f"LEAK: {n} {clips} the same audio as a training clip; the accuracy is too high",
        style="bold red",
    )
    for leak in leaks[:MOST_LEAKS]:
        kind = leak.kind.replace("_", " ")
        known = leak.other is not None and leak.other.place != leak.clip.place
        other = f" of {leak.other.name}" if leak.other is not None and known else ""
        output.line(f"  {leak.clip.name}: {kind}{other}", style="red")
    if n > MOST_LEAKS:
        output.line(f"  ... and {n - MOST_LEAKS} more in the report", style="red")
    if (accuracy := evaluation.accuracy_without_leaks) is not None:
        output.line(f"accuracy without these clips {accuracy:.3f}", style="bold")


def _show_suspects(evaluation: Evaluation) -> None:
    """Print clips that may be mislabelled, and pairs that may be copies."""
    if errors := evaluation.label_errors:
        n = len(errors)
        output.line(f"{n} {'clip' if n == 1 else 'clips'} may be mislabelled:")
        for error in errors[:MOST_LISTED]:
            suggested = error.suggested or "no label"
            output.line(
                f"  {error.clip.name}: labelled {error.clip.label}, the model says {suggested}"
            )
    if pairs := evaluation.duplicates:
        n = len(pairs)
        output.line(
            f"{n} nearly identical {'pair' if n == 1 else 'pairs'} of training and test clips; "
            "if they are copies, the accuracy is too high:",
            style="yellow",
        )
        for pair in pairs[:MOST_LISTED]:
            output.line(f"  {pair.clip.name} and {pair.other.name} ({pair.similarity:.3f})")
