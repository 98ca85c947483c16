"""Check that networks reproduce their publishers' documented output."""

from __future__ import annotations

from dataclasses import dataclass

from audiotl_cli.errors import WeightsError
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.checks import Check
from audiotl_cli.extractors.sources import digest_checks, find
from audiotl_cli.extractors.wanted import resolve
from audiotl_cli.extractors.weights import FoundWeights, WeightSource


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


def check_named(name: str) -> NetworkChecks:
    """Check an extractor, or a file of weights.

    Raises
    ------
    WeightsError
        The weights are not here.
    UsageError
        There is no such extractor or file.
    """
    kind, source = resolve(name)
    if source is None:
        return check_network(name, kind)
    found = _here((source,))
    return NetworkChecks(name, _labels(found), _digest_checks(found))


def has_weights(kind: type[Extractor]) -> bool:
    """Return whether the weights of an extractor's default layer are here."""
    return all(find(source) for source in kind.weights_files(kind.default_layer))


def check_network(name: str, kind: type[Extractor]) -> NetworkChecks:
    """Check an extractor whose weights are here."""
    found = _here(kind.weights_files())
    checks = _digest_checks(found)
    missing = [
        source for source in kind.weights_files(kind.default_layer) if source not in dict(found)
    ]
    layer = f"the layer {kind.default_layer}"
    for source in missing:
        found_here = f"not installed: audiotl models fetch {source.name}"
        checks.append(Check(layer, "", found_here, passed=None, missing=True))
    if not missing:
        checks += kind().published_checks()
    return NetworkChecks(name, _labels(found), checks)


Found = list[tuple[WeightSource, FoundWeights]]


def _here(sources: tuple[WeightSource, ...]) -> Found:
    """Return the sources whose weights are here; an error if there should be and are none."""
    found = [(source, weights) for source in sources if (weights := find(source))]
    if sources and not found:
        raise WeightsError(
            f"the weights {' or '.join(source.name for source in sources)} are not installed; "
            f"fetch them with: audiotl models fetch {sources[0].name}"
        )
    return found


def _labels(found: Found) -> dict[str, str]:
    return {source.name: weights.label for source, weights in found}


def _digest_checks(found: Found) -> list[Check]:
    return [check for source, weights in found for check in digest_checks(source, weights)]
