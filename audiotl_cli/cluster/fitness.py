"""Check that a worker has the same versions, folders and weights as the command."""

from __future__ import annotations

import os
import pickle
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from audiotl_cli.errors import AudiotlError, ClusterError
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.store.description import fingerprint

PACKAGES = (
    "numpy", "scipy", "soundfile", "soxr", "resampy", "tensorflow", "ncnn", "h5py",
    "scikit-learn", "joblib", "dask", "distributed",
)  # fmt: skip
"""Packages that may change a value, or the messages between machines."""


@dataclass(frozen=True)
class Job:
    """The settings that all tasks of a run share.

    Parameters
    ----------
    token : str
        Distinguishes runs.
    extractor : bytes
        The extractor, pickled before its first use.
    fingerprint : str
        Of the features to be made.
    pieces : str
        The folder to write to.
    audio : str
        A recording that workers must be able to read; may be empty.
    versions : mapping of str to str
    """

    token: str
    extractor: bytes
    fingerprint: str
    pieces: str
    audio: str
    versions: Mapping[str, str]

    @property
    def sign(self) -> Path:
        """The file that exists while the run goes on."""
        return Path(self.pieces, f"run-{self.token}")


@cache
def versions() -> dict[str, str]:
    """Return the versions of audiotl, Python and packages in this process."""
    from audiotl_cli import __version__

    python = ".".join(platform.python_version_tuple()[:2])
    return {"audiotl": __version__, "Python": python} | {name: _version(name) for name in PACKAGES}


def check_versions(expected: Mapping[str, str]) -> None:
    """Raise `ClusterError` if this process has other versions."""
    here = versions()
    other = [
        f"{name} {here[name]} rather than {expected[name]}"
        for name in expected
        if here.get(name, expected[name]) != expected[name]
    ]
    if other:
        raise ClusterError(
            f"has {', '.join(other)}; install the versions of the machine that runs the command"
        )


def network_of(job: Job) -> Extractor:
    """Return the network of a job after checks; it is created once per process.

    Raises
    ------
    ClusterError
        This process differs; the message says how.
    """
    check_versions(job.versions)
    _check_folders(job)
    return _network(job.extractor, job.fingerprint)


def _check_folders(job: Job) -> None:
    if not job.sign.exists():
        raise ClusterError(
            f"does not see the store's folder {job.sign.parent.parent} as the command does: it "
            "must be the same folder, under the same path"
        )
    if not os.access(job.pieces, os.W_OK):
        raise ClusterError(f"may not write to the store's folder {job.sign.parent.parent}")
    if job.audio and not Path(job.audio).exists():
        raise ClusterError(
            f"does not see the recording {job.audio}: its path must be the same on all machines"
        )


@cache
def _network(pickled: bytes, expected: str) -> Extractor:
    extractor: Extractor = pickle.loads(pickled)
    extractor.use_threads(1)
    try:
        made_from = asdict(extractor.describe())
        if fingerprint(made_from) != expected:
            raise ClusterError(
                f"has other weights of {extractor.name} ({made_from['weights']}, "
                f"{made_from['weights_sha256'][:19]})"
            )
        extractor.prepare()
    except ClusterError:
        raise
    except AudiotlError as error:
        raise ClusterError(f"has no weights of {extractor.name}: {error}") from error
    return extractor


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"
