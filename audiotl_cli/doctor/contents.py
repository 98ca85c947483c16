"""Whether what lies in a project can be read."""

from __future__ import annotations

from collections.abc import Iterator

from audiotl_cli.classifiers.model_file import load_model_file
from audiotl_cli.dataset.index import Index
from audiotl_cli.doctor.finding import Finding, first_line
from audiotl_cli.errors import AudiotlError
from audiotl_cli.project import Project
from audiotl_cli.store.store import open_stores
from audiotl_cli.text import counted


def check_contents(project: Project) -> Iterator[Finding]:
    """Read the indexes, stores and models of a project."""
    for path in project.indexes():
        try:
            yield Finding(str(path), "good", counted(len(Index.read(path).clips), "clip"))
        except AudiotlError as error:
            yield Finding(str(path), "bad", first_line(error))
    for store in open_stores(project.features_dir):
        yield Finding(str(store.folder), "good", counted(len(store.keys()), "clip"))
    for path in project.models():
        try:
            _, card = load_model_file(path)
            yield Finding(str(path), "good", counted(len(card.labels), "label"))
        except AudiotlError as error:
            yield Finding(str(path), "bad", first_line(error))
