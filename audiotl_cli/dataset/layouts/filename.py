"""Labels in file names, whatever lists the recordings."""

from __future__ import annotations

from dataclasses import replace

from audiotl_cli.dataset.layouts.registry import Layout, Request, Source, read_without_labels
from audiotl_cli.dataset.path_patterns import Pattern, one_label_each, search_paths

FILE_NAME_LABEL = r"([^/]*?)[-_ .]*\d*(?:[-_ ][^/]*)?\.[^/.]+$"
"""The label in a file name without ``--label-regex``: up to the first separator or number."""


def _read(request: Request) -> Source | None:
    options = request.options
    if not request.labelled or not (options.label_regex or options.labels_from == "filename"):
        return None
    pattern = (
        Pattern("--label-regex", options.label_regex)
        if options.label_regex
        else Pattern("--labels-from filename", FILE_NAME_LABEL)
    )
    found = read_without_labels(request)
    clips, warnings = one_label_each(search_paths(found.clips, "label", pattern))
    return replace(found, clips=clips, warnings=[*found.warnings, *warnings])


LAYOUT = Layout(order=10, read=_read, labels_from="filename")
