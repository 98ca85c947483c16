"""Let several commands share options: a command takes them as a dataclass."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import Field, dataclass, fields, is_dataclass
from typing import Annotated, Any, Literal, get_type_hints

import typer

from audiotl_cli.cli import options, settings
from audiotl_cli.extractor_config import ExtractorConfig


@dataclass(frozen=True)
class Common:
    """Options that set how any command prints."""

    json: options.Json = False
    quiet: options.Quiet = False
    debug: options.Debug = False


def names_of(*kinds: type) -> list[str]:
    """Return the names of the options in some dataclasses of options."""
    return [field.name for kind in kinds for field in fields(kind) if _is_option(kind, field)]


def _is_option(kind: type, field: Field[Any]) -> bool:
    return not issubclass(kind, ExtractorConfig) or "help" in field.metadata


def _annotation(field: Field[Any], hint: Any) -> Any:
    """Return the annotation of an option: the field's own, or made of what a setting says."""
    if "help" not in field.metadata:
        return hint
    if choices := field.metadata["choices"]:
        hint = Literal[choices] if field.default is not None else Literal[choices] | None
    option = typer.Option(help=field.metadata["help"], rich_help_panel=options.EXTRACTION)
    return Annotated[hint, option, settings.FREE]


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """Let every parameter that is a dataclass of options be typed as its fields.

    Typer reads options from a function's signature. The signature returned here has, in the place
    of a dataclass, its fields: those that are annotated as options, and the settings of an
    `ExtractorConfig`. The options in `Common` are added, and act on `output.state`.
    """
    parameters: list[inspect.Parameter] = []
    kinds: dict[str, type[Any]] = {}
    hints = get_type_hints(command, include_extras=True)
    for parameter in inspect.signature(command).parameters.values():
        kind = hints[parameter.name]
        if is_dataclass(kind) and isinstance(kind, type):
            kinds[parameter.name] = kind
            parameters += _parameters(kind)
        else:
            parameters.append(
                parameter.replace(annotation=kind, kind=inspect.Parameter.KEYWORD_ONLY)
            )
    declared = {parameter.name for parameter in parameters}
    added = [parameter for parameter in _parameters(Common) if parameter.name not in declared]
    parameters += added

    @functools.wraps(command)
    def typed(**given: Any) -> None:
        for parameter in added:
            given.pop(parameter.name)
        for name, kind in kinds.items():
            given[name] = kind(**{field: given.pop(field) for field in names_of(kind)})
        command(**given)

    typed.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    typed.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return typed


def _parameters(kind: type[Any]) -> list[inspect.Parameter]:
    """Return the parameters that stand for the fields of a dataclass of options."""
    types = get_type_hints(kind, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=_annotation(field, types[field.name]),
        )
        for field in fields(kind)
        if _is_option(kind, field)
    ]
