"""Run the publishers' own checks on the networks whose weights are here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from audiotl_cli.errors import WeightsError
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.checks import Check
from audiotl_cli.extractors.registry import extractor_class, list_extractors
from audiotl_cli.extractors.sources import digest_checks, find
from audiotl_cli.extractors.weights import FoundWeights, WeightSource
from audiotl_cli.workflows.models import resolve

OnNetwork = Callable[[int, int], None]
"""Told the networks done, and of how many."""


@dataclass(frozen=True)
class NetworkChecks:
    """What was checked of one network.

    Parameters
    ----------
    name : str
        The extractor's, or the file's that was asked for.
    weights : dict
        ``published`` or ``unverified:`` and a name, for each file that is here.
    checks : list of Check
    """

    name: str
    weights: dict[str, str]
    checks: list[Check]


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
        kind, source = resolve(name)
        on_network(0, 1)
        if source is None:
            checked = _check_network(name, kind)
        else:
            found = _here((source,))
            checked = NetworkChecks(name, _labels(found), _digest_checks(found))
        on_network(1, 1)
        return VerifyReport([checked], [])
    kinds = {
        one: kind for one in list_extractors() if (kind := extractor_class(one)).weights_files()
    }
    ready = [
        one
        for one, kind in kinds.items()
        if all(find(source) for source in kind.weights_files(kind.default_layer))
    ]
    networks = []
    for done, one in enumerate(ready, 1):
        on_network(done - 1, len(ready))
        networks.append(_check_network(one, kinds[one]))
    on_network(len(ready), len(ready))
    return VerifyReport(networks, [one for one in kinds if one not in ready])


def _check_network(name: str, kind: type[Extractor]) -> NetworkChecks:
    found = _here(kind.weights_files())
    checks = _digest_checks(found)
    missing = [
        source for source in kind.weights_files(kind.default_layer) if source not in dict(found)
    ]
    for source in missing:
        what = f"the layer {kind.default_layer}"
        told = f"not installed: audiotl models fetch {source.name}"
        checks.append(Check(what, "", told, passed=None, missing=True))
    if not missing:
        checks += kind().published_checks()
    return NetworkChecks(name, _labels(found), checks)


Found = list[tuple[WeightSource, FoundWeights]]


def _here(sources: tuple[WeightSource, ...]) -> Found:
    """Return the sources whose weights are here; an error if there should be and are none."""
    found = [(source, weights) for source in sources if (weights := find(source))]
    if sources and not found:
        raise WeightsError(
            f"the weights {' or '.join(one.name for one in sources)} are not installed; "
            f"fetch them with: audiotl models fetch {sources[0].name}"
        )
    return found


def _labels(found: Found) -> dict[str, str]:
    return {source.name: weights.label for source, weights in found}


def _digest_checks(found: Found) -> list[Check]:
    return [check for source, weights in found for check in digest_checks(source, weights)]
