"""Take the classes of a network as labels, without training."""

from __future__ import annotations

from audiotl_cli.errors import WeightsError
from audiotl_cli.inference.ready import (
    ReadyModel,
    ReadyOptions,
    default_network,
    installed_networks,
    ready_model,
)
from audiotl_cli.workflows.models import accept_licence


def load_network(options: ReadyOptions, *, accept: bool = False) -> ReadyModel:
    """Return a network as a model of its own classes.

    Parameters
    ----------
    options : ReadyOptions
    accept : bool
        Whether the user accepts the licence of the network.

    Raises
    ------
    UsageError
        There is no such network with classes, or it knows nothing of places.
    DataError
        The file of labels names something else, or no class remains.
    WeightsError
        The weights cannot be had, or their licence was not accepted.
    """
    if accept:
        accept_licence(options.network or default_network())
    try:
        return ready_model(options)
    except WeightsError as error:
        others = [] if options.network else installed_networks()
        if not others:
            raise
        names = " or ".join(f"--network {name}" for name in others)
        raise WeightsError(f"{error}\nOther networks are installed: {names}") from error
