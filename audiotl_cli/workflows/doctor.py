"""Try whether this installation works: libraries, decoders, cache, networks, and the project."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from audiotl_cli.doctor.contents import check_contents
from audiotl_cli.doctor.decoding import check_decoding
from audiotl_cli.doctor.finding import Finding
from audiotl_cli.doctor.installation import (
    check_cache,
    check_extras,
    check_packages,
    check_tensorflow,
)
from audiotl_cli.doctor.networks import check_network
from audiotl_cli.extractors.registry import list_extractors
from audiotl_cli.project import Project

OnCheck = Callable[[int, int], None]
"""Called with the number of checks done, and of how many."""


def examine(project: Project, on_check: OnCheck = lambda done, total: None) -> list[Finding]:
    """Try everything, and return what was found; nothing is fetched or changed.

    Parameters
    ----------
    project : Project
    on_check : callable
    """
    checks: list[Callable[[], Iterator[Finding]]] = [
        check_packages,
        check_tensorflow,
        check_extras,
        check_cache,
        check_decoding,
        *(partial(check_network, name) for name in list_extractors()),
        partial(check_contents, project),
    ]
    findings: list[Finding] = []
    for done, check in enumerate(checks):
        on_check(done, len(checks))
        findings += check()
    on_check(len(checks), len(checks))
    return findings
