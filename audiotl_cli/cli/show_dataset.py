"""A copy of a data set against the published one, for programs and for people."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from audiotl_cli.cli import output

if TYPE_CHECKING:
    from audiotl_cli.dataset.catalog.compare import Comparison

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
        "counts": [asdict(one) for one in found.differences],
    }


def show_comparison(found: Comparison) -> None:
    """Print what is missing, what is more, and which counts differ; some of each."""
    title, n = found.dataset.title, len(found.clips)
    if found.complete:
        output.line(f"{title}: all {n} clips of it, as published")
    else:
        output.line(f"{title}: {n} of {found.n_expected} clips", style="yellow")
    _list("missing", found.missing)
    _list("not of it, and not in the index", found.extra)
    counts = [f"{one.what} {one.found} instead of {one.expected}" for one in found.differences]
    _list("counts not as published", counts)
    if found.left_out:
        output.line(f"  {len(found.left_out)} recordings of it are left out on purpose")


def _list(what: str, items: list[str]) -> None:
    if items:
        more = f", ... ({len(items) - N_SHOWN} more in --json)" if len(items) > N_SHOWN else ""
        output.line(f"  {len(items)} {what}: {', '.join(items[:N_SHOWN])}{more}")
