"""An evaluation on the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from audiotl_cli.cli import output

if TYPE_CHECKING:
    from audiotl_cli.evaluation.metrics import Scores
    from audiotl_cli.workflows.report import EvaluateReport

MOST_COLUMNS = 24  # a wider confusion matrix is left to the figure
LEAST_NAME = 8  # columns; a confusion matrix whose names get less is, too
MOST_LEAKS = 5
MOST_LISTED = 3  # doubtful clips; the report has all


def show(report: EvaluateReport) -> None:
    scores = report.scores
    output.line(report.title, style="bold")
    output.warnings(report.result["warnings"])
    low, high = scores.interval
    n_trained_on = report.result["n_trained_on"]
    trained_on = f", {n_trained_on} of them trained on" if n_trained_on else ""
    over = " over groups" if report.result["interval_over"] == "groups" else ""
    if "mean_average_precision" in report.result:
        output.line(
            f"mean average precision {report.result['mean_average_precision']:.3f}   "
            f"micro F1 {report.result['micro_f1']:.3f}   (clips have several labels; accuracy: "
            "all of a clip's labels told, and no other)"
        )
    output.line(
        f"accuracy {scores.accuracy:.3f}  (95 % interval {low:.3f} to {high:.3f}{over}, "
        f"{report.result['n_clips']} clips{trained_on})   "
        f"balanced accuracy {scores.balanced_accuracy:.3f}   macro F1 {scores.macro_f1:.3f}"
    )
    _show_leaks(report.result)
    if repeats := report.result.get("repeats"):
        output.line(
            f"accuracy by repeat  {'  '.join(f'{value:.3f}' for value in repeats[:20])}"
            + (f"  ... {len(repeats)} in all" if len(repeats) > 20 else "")
        )
    elif report.rounds:
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
    _show_trust(report.result)
    _show_curve(report.result.get("learning_curve"))
    _show_open_set(report.result.get("open_set"))
    _show_doubts(report.result)
    files = {"report": "report.json", "figure": "confusion.png", "page": "report.html"}
    for what, name in files.items():
        if (path := report.folder / name).exists():
            output.line(f"{what:<8}{path}")


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


def show_comparisons(found: Sequence[Mapping[str, Any]]) -> None:
    """Print which model is better, a line a pair."""
    for one in found:
        low, high = one["interval"]
        output.line(one["verdict"], style="bold")
        output.line(
            f"  accuracy {one['difference']:+.3f}  (95 % interval {low:+.3f} to {high:+.3f})   "
            f"p = {one['p_value']:.2g} by {one['test']}"
            + (", corrected for several models" if len(found) > 1 else "")
        )


def _show_trust(result: Mapping[str, Any]) -> None:
    if calibration := result.get("calibration"):
        output.line(
            f"scores are off by {calibration['ece']:.3f} on average  (ECE over 10 bins; "
            f"Brier {calibration['brier']:.3f})"
        )
    if rejection := result.get("rejection"):
        rest = rejection["accuracy_of_the_rest"]
        told = "" if rest is None else f"; accuracy of the rest {rest:.3f}"
        output.line(
            f"{rejection['n_rejected']} of {result['n_clips']} clips taken for none of the labels"
            + told
        )


def _show_curve(curve: Mapping[str, Any] | None) -> None:
    if not curve:
        return
    grid = output.table("trained on", "accuracy", "95 % interval", numbers=("trained on",))
    for point in [*curve["points"], curve["twice"]]:
        low, high = point["interval"]
        twice = "  if it goes on like this" if point is curve["twice"] else ""
        n_clips = str(point["n_clips"])
        grid.add_row(n_clips, f"{point['accuracy']:.3f}", f"{low:.3f} to {high:.3f}{twice}")
    output.show(grid)


def _show_open_set(found: Mapping[str, Any] | None) -> None:
    if not found:
        return
    hardest = min(found["per_label"].items(), key=lambda item: item[1]["auroc"])
    output.line(
        f"labels left out of training are noticed with AUROC {found['auroc']:.3f}, "
        f"{found['fpr95']:.0%} slip in where 95 % of the known are let in; hardest: "
        f"{hardest[0]} ({hardest[1]['auroc']:.3f})"
    )


def _show_leaks(result: Mapping[str, Any]) -> None:
    """Print which clips tested a model knows, and how good it is without them."""
    leaks = result.get("leaks")
    if not leaks:
        return
    n = len(leaks)
    what = "clip tested has" if n == 1 else "clips tested have"
    output.line(
        f"LEAK: {n} {what} the sound of a clip trained on; the score is too good", style="bold red"
    )
    for one in leaks[:MOST_LEAKS]:
        kind = one["kind"].replace("_", " ")
        other = f" of {one['other']}" if one["other"] not in ("", one["path"]) else ""
        output.line(f"  {one['path']}: {kind}{other}", style="red")
    if n > MOST_LEAKS:
        output.line(f"  ... and {n - MOST_LEAKS} more in the report", style="red")
    if "accuracy_without_leaks" in result:
        output.line(f"accuracy without them {result['accuracy_without_leaks']:.3f}", style="bold")


def _show_doubts(result: Mapping[str, Any]) -> None:
    from audiotl_cli.evaluation.report.clips import name_of, other_place, place_of

    if doubted := result.get("label_errors"):
        n = len(doubted)
        output.line(f"{n} {'label is' if n == 1 else 'labels are'} worth a second look:")
        for one in doubted[:MOST_LISTED]:
            output.line(f"  {name_of(place_of(one))}: {one['label']}, rather {one['suggested']}?")
    if pairs := result.get("duplicates"):
        n = len(pairs)
        output.line(
            f"{n} {'pair' if n == 1 else 'pairs'} of nearly equal clips on both sides; if they "
            "are copies, the score may be too good:",
            style="yellow",
        )
        for one in pairs[:MOST_LISTED]:
            both = f"{name_of(place_of(one))} and {name_of(other_place(one))}"
            output.line(f"  {both} ({one['similarity']:.3f})")
