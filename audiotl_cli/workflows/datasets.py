"""List the data sets known by name, and fetch them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audiotl_cli.dataset.catalog.base import DataSet
from audiotl_cli.dataset.catalog.compare import Comparison, compare
from audiotl_cli.dataset.catalog.registry import get_dataset, list_datasets
from audiotl_cli.dataset.fetch import OnArchive, fetch
from audiotl_cli.project import Project


@dataclass(frozen=True)
class DataSetInfo:
    """A data set at a glance.

    Parameters
    ----------
    dataset : DataSet
    folder : Path
        Where it is, or would be put.
    present : bool
        Whether the folder holds anything.
    """

    dataset: DataSet
    folder: Path
    present: bool


@dataclass(frozen=True)
class FetchReport:
    """A data set that has been fetched.

    Parameters
    ----------
    folder : Path
    fetched : bool
        Whether it was fetched now; False if it was there before.
    comparison : Comparison
        With the counts that its publisher documents.
    """

    folder: Path
    fetched: bool
    comparison: Comparison


def dataset_folder(project: Project, name: str) -> Path:
    """Return the folder of a project in which a named data set is put when it is fetched."""
    return project.audio_dir / get_dataset(name).name


def all_datasets(project: Project) -> list[DataSetInfo]:
    """Return every data set that is known by name."""
    found = []
    for name in list_datasets():
        folder = dataset_folder(project, name)
        present = folder.is_dir() and any(folder.iterdir())
        found.append(DataSetInfo(get_dataset(name), folder, present))
    return found


def fetch_dataset(
    project: Project, name: str, on_archive: OnArchive = lambda name, done, total: None
) -> FetchReport:
    """Put a data set into ``data/audio/NAME``, and compare it with the published one.

    Raises
    ------
    UsageError
        There is no such data set, or no direct download of it.
    FetchError
        There is no network, or the file is not the published one.
    DataError
        An archive is damaged or unsafe to unpack.
    """
    dataset = get_dataset(name)
    folder = dataset_folder(project, name)
    fetched = fetch(dataset, folder, project.audio_dir / "downloads" / dataset.name, on_archive)
    return FetchReport(folder, fetched, compare(dataset, folder))
