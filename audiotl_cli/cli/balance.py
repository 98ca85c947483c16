"""The option ``--balance``, which may be typed without a value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from audiotl_cli.cli import options, settings

BALANCE = "--balance"
_VALUES = {"auto": None, "on": True, "off": False, "true": True, "false": False}


def _parse(text: str | bool) -> str:
    name = str(text).lower()  # a settings file may say true
    if name not in _VALUES:
        raise typer.BadParameter(f"{text!r} is not one of auto, on, off")
    return name


def balance_of(text: str) -> bool | None:
    """Return whether to balance labels; None for what cross-validation decides."""
    return _VALUES[text]


def with_value(args: Sequence[str]) -> list[str]:
    """Return the arguments of a command line; ``--balance`` by itself means ``on``."""
    followed = [*args[1:], "--"]
    return [
        f"{arg}=on" if arg == BALANCE and after not in _VALUES else arg
        for arg, after in zip(args, followed, strict=True)
    ]


Balance = Annotated[
    str,
    typer.Option(
        BALANCE,
        parser=_parse,
        metavar="auto|on|off",
        help="Let every label count the same, however many clips it has: on, off, or auto: "
        "where labels are unbalanced, unless cross-validation on the training clips shows a lower "
        "balanced accuracy with it.",
        rich_help_panel=options.CLASSIFIER,
    ),
    settings.FREE,
]
