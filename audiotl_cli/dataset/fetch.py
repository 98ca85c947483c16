"""Fetch a named data set: download its archives, check them, and unpack them.

Downloads stay in a folder of their own until everything is complete, so that the same command
continues after an interruption, and archives can be put there by hand.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

from audiotl_cli.dataset.catalog.base import Archive, DataSet
from audiotl_cli.dataset.unpack import unpack
from audiotl_cli.errors import DataError, FetchError, UsageError
from audiotl_cli.files import digest, refuse_link, remove_regular
from audiotl_cli.network import download, is_offline, mirrored, size_limit

logger = logging.getLogger(__name__)

OnArchive = Callable[[str, int, int], None]
"""Takes the name of an archive, and how many of its bytes are here, of how many (0: unknown)."""


def fetch(dataset: DataSet, target: Path, downloads: Path, on_archive: OnArchive) -> bool:
    """Put a data set into a folder.

    Parameters
    ----------
    dataset : DataSet
    target : Path
        The folder; it appears when everything is unpacked.
    downloads : Path
        The folder in which archives are kept meanwhile, and searched first.
    on_archive : callable

    Returns
    -------
    fetched : bool
        False if `target` existed already.

    Raises
    ------
    UsageError
        There is no direct download.
    FetchError
        There is no network, or the file is not the published one.
    DataError
        An archive is damaged or unsafe to unpack.
    """
    import filelock

    if target.is_dir() and any(target.iterdir()):
        return False
    if not dataset.archives:
        raise UsageError(f"{dataset.title} cannot be fetched: {dataset.by_hand}")
    downloads.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(downloads / ".lock", timeout=0):
            archives = [
                _get(dataset, archive, downloads, on_archive) for archive in dataset.archives
            ]
            _unpack_all(archives, target, downloads / "unpacked")
            for archive in archives:
                archive.unlink()
    except filelock.Timeout as error:
        raise UsageError(f"another process is fetching {dataset.title} already") from error
    shutil.rmtree(downloads / "unpacked", ignore_errors=True)
    (downloads / ".lock").unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        downloads.rmdir()  # unless somebody keeps more there
    return True


def _get(dataset: DataSet, archive: Archive, downloads: Path, on_archive: OnArchive) -> Path:
    """Return the checked file of an archive, after fetching what is missing of it."""
    path = downloads / archive.file_name
    if path.exists():
        if not archive.digest or _found(path, archive) == archive.digest:
            return path
        raise FetchError(
            f"{path} is not the published file: it has {_found(path, archive)}, expected "
            f"{archive.digest}. Delete it, then run the same command to fetch it again"
        )
    part = _part(path)
    refuse_link(part)
    if is_offline():
        raise FetchError(_by_hand(dataset, archive, path, "AUDIOTL_OFFLINE forbids fetching it"))
    size = f", {archive.size / 1e6:.0f} MB" if archive.size else ""
    logger.info("Fetching %s%s, licence %s", archive.url, size, dataset.licence)
    try:
        download(
            mirrored(archive.url),
            part,
            lambda done, total: on_archive(path.name, done, total),
            max_bytes=size_limit(archive.size, exact=archive.exact_size),
            resume=True,
        )
    except FetchError as error:
        raise FetchError(_by_hand(dataset, archive, path, str(error))) from error
    found = _found(part, archive)
    if archive.digest and found != archive.digest:
        remove_regular(part)
        reason = f"another file came: it has {found}, expected {archive.digest}"
        raise FetchError(_by_hand(dataset, archive, path, reason))
    part.replace(path)
    return path


def _found(path: Path, archive: Archive) -> str:
    kind = archive.digest.partition(":")[0] or "sha256"
    return f"{kind}:{digest(path, kind)}"


def _by_hand(dataset: DataSet, archive: Archive, path: Path, reason: str) -> str:
    expected = f" ({archive.digest})" if archive.digest else ""
    part = _part(path)
    kept = part.is_file() and part.stat().st_size
    goes_on = (
        f"{kept / 1e6:.0f} MB are here, and the same command continues the download. Or get"
        if kept
        else "Get"
    )
    return (
        f"{dataset.title} could not be fetched: {reason}.\n"
        f"{goes_on}\n"
        f"  {archive.url}{expected}\n"
        f"on any machine, put it at {path}, and run the same command again."
    )


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _unpack_all(archives: list[Path], target: Path, folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    for archive in archives:
        logger.info("Unpacking %s", archive.name)
        try:
            unpack(archive, folder)
        except DataError as error:
            # without a digest, a damaged download is only noticed here
            raise DataError(
                f"{error}. Delete {archive}, then run the same command to fetch it again"
            ) from error
    found = list(folder.iterdir())
    # most archives hold only one folder, whose name is not needed
    inner = found[0] if len(found) == 1 and found[0].is_dir() else folder
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir():
        target.rmdir()  # it is empty
    inner.replace(target)
