"""Whether networks work."""

from __future__ import annotations

from collections.abc import Iterator

from audiotl_cli.doctor.finding import Finding, first_line
from audiotl_cli.errors import AudiotlError
from audiotl_cli.extractors.registry import extractor_class
from audiotl_cli.extractors.verification import check_named, has_weights


def check_network(name: str) -> Iterator[Finding]:
    """Check that a network reproduces its publisher's documented output."""
    try:
        if not has_weights(extractor_class(name)):
            yield Finding(
                name, "absent", "its weights are not installed", f"audiotl models fetch {name}"
            )
            return
        network = check_named(name)
    except AudiotlError as error:
        yield Finding(name, "bad", first_line(error))
        return
    failed = [check for check in network.checks if check.passed is False]
    if failed:
        found = f"{len(failed)} of {len(network.checks)} published values are not reproduced"
        yield Finding(name, "bad", found, f"audiotl models verify {name}")
    elif set(network.weights.values()) - {"published"}:
        yield Finding(name, "good", "custom weights, not the published ones")
    else:
        n_met = sum(check.passed is True for check in network.checks)
        yield Finding(name, "good", f"{n_met} published values reproduced" if n_met else "ready")
