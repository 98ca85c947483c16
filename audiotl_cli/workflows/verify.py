"""Run the publishers' own checks on the networks whose weights are here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from audiotl_cli.extractors.checks import Check
from audiotl_cli.extractors.registry import extractor_class, list_extractors
from audiotl_cli.extractors.verification import (
    NetworkChecks,
    check_named,
    check_network,
    has_weights,
)

OnNetwork = Callable[[int, int], None]
"""Called with the number of networks done, and of how many."""


@dataclass(frozen=True)
class VerifyReport:
    """What was checked.

    Parameters
    ----------
    networks : list of NetworkChecks
    not_installed : list of str
        Extractors left out because their weights are not here.
    """

    networks: list[NetworkChecks]
    not_installed: list[str]

    @property
    def checks(self) -> list[Check]:
        """All checks of all networks."""
        return [check for network in self.networks for check in network.checks]


def verify_models(
    name: str | None = None, on_network: OnNetwork = lambda done, total: None
) -> VerifyReport:
    """Hold what publishers document against what is here; nothing is fetched.

    Parameters
    ----------
    name : str or None
        An extractor or a file of weights; None for every extractor whose weights are here.
    on_network : callable

    Raises
    ------
    WeightsError
        The weights are not here.
    UsageError
        There is no such extractor or file.
    """
    if name is not None:
        on_network(0, 1)
        checked = check_named(name)
        on_network(1, 1)
        return VerifyReport([checked], [])
    kinds = {
        kind_name: kind
        for kind_name in list_extractors()
        if (kind := extractor_class(kind_name)).weights_files()
    }
    ready = [kind_name for kind_name, kind in kinds.items() if has_weights(kind)]
    networks = []
    for done, kind_name in enumerate(ready):
        on_network(done, len(ready))
        networks.append(check_network(kind_name, kinds[kind_name]))
    on_network(len(ready), len(ready))
    return VerifyReport(networks, [kind_name for kind_name in kinds if kind_name not in ready])
