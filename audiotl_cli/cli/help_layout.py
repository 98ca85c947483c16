"""The layout of ``--help``: usual options first, the rest under Advanced, plain words for types."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args, get_origin

import typer

from audiotl_cli.cli.options import COMMON

ADVANCED = "Advanced"
HELP_FLAGS = ["-h", "--help"]

USUAL = {
    "index": "name labels-from metadata label-column dataset test-size folds fix",
    "extract": "index extractor layer workers",
    "train": "index extractor for background classifier balance search out",
    "tune": "index extractor search out",
    "evaluate": "index split cv report classifier extractor",
    "tag": "network labels segments threshold top-k format output lat lon week date layer",
    "predict": "model segments threshold with-background top-k format output watch",
    "listen": "model device threshold format",
    "similar": "index extractor top-k format output",
    "label": "index n ask set from output",
    "model export": "whole quantise output",
    "summary": "recordings verdicts min-score site-regex zone report",
    "review": "label select limit min-score max-score set from",
    "cut": "out label max-per-label select padding-s format",
}
"""The options that come first, in this order; a command that is not named has few, all usual."""

OWN_PANELS = ("Labels, groups and folds", "Audit", "Ready labels", "Audio on stdin", "Sorting")
"""Groups of options that are shown as such, between the usual ones and the rest."""

WORDS = {Path: "FILE", str: "TEXT", int: "N", float: "NUMBER", bool: ""}
"""What is shown for a value; a flag takes none."""


def lay_out(command: Any, name: str = "") -> None:
    """Lay out the help of a command and of those below it.

    Rich would take ``[default: ...]`` for markup and leave it out, so its bracket is escaped.
    Environment variables are hidden.
    """
    usual = USUAL.get(name, "").split()
    ranks = {flag: i for i, flag in enumerate(usual)}
    for parameter in command.params:
        parameter.show_envvar = False
        if text := getattr(parameter, "help", None):
            parameter.help = re.sub(r"(?<!\\)\[default", r"\\[default", text)
        if parameter.param_type_name != "option":
            parameter.metavar = parameter.metavar or parameter.name.upper()
            parameter.display_type_rich = lambda ctx: None  # its name says it
            continue
        parameter.rich_help_panel = _panel(parameter, ranks)
        if parameter.metavar is None:
            parameter.metavar = _word(parameter)
    panels = [None, *OWN_PANELS, ADVANCED, COMMON]
    # stable: arguments, and options within a panel, keep their order
    command.params.sort(key=lambda parameter: _place(parameter, panels, ranks))
    shown = command.get_help_option(typer.Context(command, help_option_names=HELP_FLAGS))
    shown.metavar, shown.rich_help_panel = "", COMMON if name else None
    for below, subcommand in getattr(command, "commands", {}).items():
        lay_out(subcommand, f"{name} {below}".strip())


def _flag(parameter: Any) -> str:
    return str(parameter.opts[0]).removeprefix("--")


def _panel(parameter: Any, ranks: dict[str, int]) -> str | None:
    panel: str | None = parameter.rich_help_panel
    if panel == COMMON or not ranks:
        return panel
    if _flag(parameter) in ranks:
        return None
    return panel if panel in OWN_PANELS else ADVANCED


def _place(parameter: Any, panels: list[str | None], ranks: dict[str, int]) -> tuple[int, int]:
    if parameter.param_type_name != "option":
        return -1, 0
    panel = parameter.rich_help_panel
    rank = ranks.get(_flag(parameter), 0) if panel is None else 0
    return panels.index(panel) if panel in panels else len(panels), rank


def _word(parameter: Any) -> str | None:
    """Return what to show for a value; None for choices, which are shown as they are."""
    described = parameter.type_descriptor
    if described.is_choice:
        return None
    kind = described.annotation
    if get_origin(kind) is list:
        kind = get_args(kind)[0]
    return WORDS.get(kind)
