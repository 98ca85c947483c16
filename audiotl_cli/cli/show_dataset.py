"""A copy of a data set compared with the published one, on the screen and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audiotl_cli.cli import output

if TYPE_CHECKING:
    from audiotl_cli.dataset.catalog.compare import Comparison, CountDifference

N_SHOWN = 5


def comparison_value(found: Comparison) -> dict[str, Any]:
    """Return a comparison as the value of the key ``dataset``."""
    return {
        "name": found.dataset.name,
        "complete": found.complete,
        "n_expected": found.n_expected,
        "n_found": len(found.clips),
        "missing": found.missing,
        "extra": found.extra,
        "left_out": found.left_out,
        "counts": [_count(difference) for difference in found.differences],
    }


def show_comparison(found: Comparison) -> None:
    """Print some of what is missing, what is not published, and which counts differ."""
    title, n = found.dataset.title, len(found.clips)
    if found.complete:
        output.line(f"{title}: all {n} clips, as published")
    else:
        output.line(f"{title}: {n} of {found.n_expected} clips", style="yellow")
    _list("missing", found.missing)
    _list("not published, and not in the index", found.extra)
    counts = [
        f"{difference.counted}: {difference.found} instead of {difference.expected}"
        for difference in found.differences
    ]
    _list("counts not as published", counts)
    if found.left_out:
        output.line(f"  {len(found.left_out)} of its recordings are left out on purpose")


def _count(difference: CountDifference) -> dict[str, Any]:
    return {
        "what": difference.counted, "expected": difference.expected, "found": difference.found
    }  # fmt: skip


def _list(title: str, items: list[str]) -> None:
    if items:
        more = f", ... ({len(items) - N_SHOWN} more in --json)" if len(items) > N_SHOWN else ""
        output.line(f"  {len(items)} {title}: {', '.join(items[:N_SHOWN])}{more}")
