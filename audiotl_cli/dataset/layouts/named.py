"""Data sets known by name, asked for or recognised by their own files."""

from __future__ import annotations

import logging
from pathlib import Path

from audiotl_cli.dataset.catalog.compare import compare
from audiotl_cli.dataset.catalog.registry import get_dataset, list_datasets
from audiotl_cli.dataset.layouts.registry import Layout, Request, Source, local

logger = logging.getLogger(__name__)


def _read(request: Request) -> Source | None:
    name, folder = request.options.dataset, request.folder_to_recognise
    if name is None and folder and (name := _recognise(folder)):
        logger.info("%s is a copy of %s: indexed as by --dataset %s", folder, name, name)
    if name is None:
        return None
    request.options.check_no_columns()
    found = compare(get_dataset(name), local(request.source))
    return Source(found.clips, found.root, comparison=found)


def _recognise(folder: Path) -> str | None:
    for name in list_datasets():
        dataset = get_dataset(name)
        if dataset.recognised and (folder / dataset.markers[0]).exists():
            return name
    return None


LAYOUT = Layout(order=30, read=_read)
