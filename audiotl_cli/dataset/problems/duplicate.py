"""Clips whose decoded samples are equal."""

from __future__ import annotations

from audiotl_cli.dataset.problems.registry import Problem

PROBLEM = Problem(
    code="duplicate",
    order=90,
    summary="the same samples",
    applies=lambda audit: {i for group in audit.duplicates.exact for i in group},
    fix="keep one",
    is_shared=True,
)
