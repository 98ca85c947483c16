"""Clips of nearly the same sound: quieter, shifted, cut, or compressed again."""

from __future__ import annotations

from audiotl_cli.dataset.problems.registry import Problem

PROBLEM = Problem(
    code="near_duplicate",
    order=100,
    summary="nearly the same sound",
    applies=lambda audit: audit.duplicates.near_duplicates(),
    fix="group",
    is_shared=True,
)
