"""Remember the SHA-256 of files, so that unchanged files are not read again.

The memo has a line for each file, and new lines are appended: a check sum, size, modification
time (for an object, a number made from its ETag), SHA-256, and path or URL. Lines that do not match
their check sum, because they were cut off or damaged, are ignored.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import stat
import time
from pathlib import Path

from audiotl_cli.audio.reasons import why_missing
from audiotl_cli.errors import AudioError
from audiotl_cli.files import NotAFileError, open_regular
from audiotl_cli.journal_lines import append_lines, read_lines
from audiotl_cli.storage.contents import (
    SETTLED_S,
    ChangedFileError,
    Content,
    FileState,
    read_content,
)
from audiotl_cli.storage.copies import local_copy
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.storage.remote import RemotePath

logger = logging.getLogger(__name__)

_LINE = re.compile(rb"(\d{1,20})\t(-?\d{1,20})\t([0-9a-f]{64})\t(.+)")


class HashMemo:
    """A file that remembers the SHA-256 of sound files.

    Parameters
    ----------
    path : Path
        The memo; `save` makes it if there is something to remember.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, tuple[int, int, str]] = {}
        self._new: list[bytes] = []
        self._real_folders: dict[str, str] = {}
        for line in read_lines(path):
            if found := _LINE.fullmatch(line):
                size, modified, sha256, name = found.groups()
                self._known[os.fsdecode(name)] = (int(size), int(modified), sha256.decode())

    def sha256(self, path: str | AnyPath) -> str:
        """Return the SHA-256 of a file; see `content`."""
        return self.content(path).sha256

    def content(self, path: str | AnyPath) -> Content:
        """Return the content of a file; a file that has not changed is not read.

        Objects on object storage are recognised by their ETag or, where the storage has none, by
        the time they were written.

        Raises
        ------
        AudioError
            The file is missing, cannot be read, or keeps changing.
        StorageError
            The storage cannot be reached.
        """
        try:
            if isinstance(path, RemotePath):
                return Content(self._sha256_of_object(path))
            at_ns = time.time_ns()
            real, state = self._real_path(_possible(path))
            known = self._known.get(real)
            if known and known[:2] == (state.st_size, state.st_mtime_ns):
                return Content.known(known[2], FileState.of(state), at_ns)
            if not (stat.S_ISREG(state.st_mode) or stat.S_ISDIR(state.st_mode)):
                raise AudioError("is a pipe or device, not a sound file", stage="open")
            content, state = read_content(real)
        except FileNotFoundError as error:
            raise AudioError(why_missing(str(path)), code="missing", stage="open") from error
        except IsADirectoryError as error:
            raise AudioError("is a folder, not a sound file", stage="open") from error
        except NotAFileError as error:
            raise AudioError("is a pipe or device, not a sound file", stage="open") from error
        except ChangedFileError as error:
            raise AudioError(str(error), code="changed", stage="open") from error
        except OSError as error:
            raise AudioError(f"cannot be read ({error.strerror})", stage="open") from error
        if at_ns - state.st_mtime_ns > SETTLED_S * 1e9:
            self._remember(real, state.st_size, state.st_mtime_ns, content.sha256)
        return content

    def _sha256_of_object(self, path: RemotePath) -> str:
        state = path.stat()
        stamp = state.st_mtime_ns
        if state.tag:
            digest = hashlib.sha256(state.tag.encode()).digest()
            stamp = int.from_bytes(digest[:7], "big")
        known = self._known.get(path.url)
        if known and known[:2] == (state.st_size, stamp):
            return known[2]
        with local_copy(path) as copy, open_regular(copy) as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        settled = 0 < state.st_mtime_ns < time.time_ns() - SETTLED_S * 1e9
        # another object may have been uploaded in the meantime
        if (state.tag or settled) and path.stat() == state:
            self._remember(path.url, state.st_size, stamp, sha256)
        return sha256

    def _remember(self, name: str, size: int, stamp: int, sha256: str) -> None:
        if "\n" in name:
            return
        self._known[name] = (size, stamp, sha256)
        self._new.append(f"{size}\t{stamp}\t{sha256}\t".encode() + os.fsencode(name))

    def _real_path(self, path: str | Path) -> tuple[str, os.stat_result]:
        """Return a path without symbolic links, and the state of its file.

        Each folder is resolved once, because this is slow.
        """
        folder, name = os.path.split(path)
        if folder not in self._real_folders:
            self._real_folders[folder] = os.path.realpath(folder)
        real = os.path.join(self._real_folders[folder], name)  # noqa: PTH118
        state = os.lstat(real)
        if name == ".." or stat.S_ISLNK(state.st_mode):
            real = os.path.realpath(real)
            state = os.stat(real)  # noqa: PTH116
        return real, state

    def save(self) -> None:
        """Append what is new since the last call.

        The memo only saves time: if it cannot be written, the run continues without it.
        """
        if not self._new:
            return
        try:
            append_lines(self.path, self._new)
        except OSError as error:
            logger.debug("Hashes are not remembered: %s", error)
            return
        self._new = []


def _possible(path: str | Path) -> str | Path:
    try:
        os.fsencode(path)
    except UnicodeEncodeError as error:
        raise AudioError("this is not a valid file name", stage="open") from error
    if "\0" in str(path):
        raise AudioError("this is not a valid file name", stage="open")
    return path


def clip_key(sha256: str, start_s: float | None, end_s: float | None) -> str:
    """Return the key of a clip: the hash of its file, and its bounds if it is a part of that."""
    if start_s is None and end_s is None:
        return sha256
    end = "" if end_s is None else f"{end_s:.6f}"
    return f"{sha256}:{start_s or 0:.6f}-{end}"
