"""Print the settings of classifiers, and how those that were tried compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audiotl_cli.cli import output


def setting(chosen: Mapping[str, Any]) -> str:
    """Return a readable description of a classifier's settings."""
    params = ", ".join(
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in chosen["params"].items()
        if name != "max_iter"  # which only limits the time
    )
    pca = f", PCA to {chosen['pca']}" if chosen["pca"] else ""
    root = "square root of " if chosen["sqrt"] else ""
    return (
        f"{chosen['classifier']}{f' {params}' if params else ''} on {root}{chosen['pooling']}{pca}"
    )


def networks(extractors: Sequence[Mapping[str, str]]) -> str:
    """Return a readable list of extractors and their layers."""
    return " + ".join(
        f"{extractor['name']} {extractor['layer']}".strip() for extractor in extractors
    )


def leaderboard(tried: Sequence[Mapping[str, Any]], n_most: int = 10) -> None:
    """Print the results of the settings that were tried, and mark the chosen setting."""
    leading = ("balanced accuracy",) if "balanced_accuracy" in tried[0] else ()
    numbers = (*leading, "accuracy", "95 % interval", "lowest fold")
    optional = ("extractors", "lowest fold", "95 % interval")
    grid = output.table("", *numbers, "extractors", "setting", numbers=numbers, optional=optional)
    for i, trial in enumerate(tried):
        if i < n_most or trial["chosen"]:
            low, high = trial["interval"]
            grid.add_row(
                "*" if trial["chosen"] else "",
                *(f"{trial['balanced_accuracy']:.3f}" for _ in leading),
                f"{trial['accuracy']:.3f}",
                f"{low:.3f} to {high:.3f}",
                f"{min(trial['accuracies']):.3f}",
                output.clean(networks(trial["extractors"])),
                setting(trial),
            )
    output.show(grid)
    n_folds = max(len(trial["accuracies"]) for trial in tried)
    n_dropped = sum(len(trial["accuracies"]) < n_folds for trial in tried)
    dropped = f" ({n_dropped} stopped early, because they were clearly worse)" if n_dropped else ""
    output.line(
        f"{len(tried)} settings compared by cross-validation on the training clips{dropped}; * "
        "marks the choice, the simplest setting statistically tied with the best"
    )
