"""The options that say what to fit, and how several commands share them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import Field, dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer

from audiotl_cli.cli import options, settings
from audiotl_cli.extractor_config import ExtractorConfig

if TYPE_CHECKING:
    from audiotl_cli.classifiers.options import ClassifierOptions
    from audiotl_cli.experiments.training import Reliability


@dataclass(frozen=True)
class Fitting:
    """What to fit; every field is an option."""

    classifier: options.Classifier = "logreg"
    pooling: options.Pooling = "mean+std"
    pca: options.Pca = None
    scale: options.Scale = None
    root: options.Root = False
    combine: options.Combine = "concat"
    balance: options.Balance = "auto"
    param: options.Param = None
    seed: options.Seed = 0

    def options(self) -> ClassifierOptions:
        """Return what was typed, as the workflows take it."""
        from audiotl_cli.classifiers.options import ClassifierOptions

        return ClassifierOptions(
            classifier=self.classifier,
            pooling=self.pooling,
            pca=self.pca,
            scale=self.scale,
            sqrt=self.root,
            params=options.parse_params(self.param),
            combine=self.combine,
            balance=options.balance_of(self.balance),
            seed=self.seed,
        )


@dataclass(frozen=True)
class Learning:
    """What else to learn, and within what memory; every field is an option."""

    calibrate: options.Calibrate = None
    reject: options.Reject = None
    memory_mb: options.MemoryMb = None

    def reliability(self) -> Reliability:
        """Return calibration and rejection, as the workflows take them."""
        from audiotl_cli.experiments.training import Reliability

        return Reliability(self.calibrate, self.reject)

    @property
    def memory(self) -> int | None:
        """Bytes; None for what the machine has."""
        return None if self.memory_mb is None else self.memory_mb << 20


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

    Typer reads options from a function's signature. This one is the command's, with the fields
    in the place of the dataclass: those that are annotated as options, and the settings of an
    `ExtractorConfig`.
    """
    parameters: list[inspect.Parameter] = []
    kinds: dict[str, Any] = {}
    hints = get_type_hints(command, include_extras=True)
    for parameter in inspect.signature(command).parameters.values():
        kind = hints[parameter.name]
        if not is_dataclass(kind):
            parameters.append(parameter.replace(annotation=kind))
            continue
        kinds[parameter.name] = kind
        names = names_of(kinds[parameter.name])
        types = get_type_hints(kind, include_extras=True)
        parameters += [
            inspect.Parameter(
                field.name,
                parameter.kind,
                default=field.default,
                annotation=_annotation(field, types[field.name]),
            )
            for field in fields(kind)
            if field.name in names
        ]

    @functools.wraps(command)
    def typed(**given: Any) -> None:
        for name, kind in kinds.items():
            given[name] = kind(**{field: given.pop(field) for field in names_of(kind)})
        command(**given)

    typed.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    typed.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return typed
