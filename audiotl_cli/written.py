"""Keep track of files that audiotl wrote, and never overwrite any others.

Every folder that audiotl writes results to has a hidden file ``.audiotl-written`` with a line per
written file: its name and the SHA-256 of its content. Only a file whose content is listed may be
replaced; any other was created or edited by somebody else. The line is written before the file, so
that files of killed runs are still recognised.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from audiotl_cli.errors import UsageError
from audiotl_cli.files import digest, is_regular, remove_regular, write_whole
from audiotl_cli.journal_lines import append_lines, read_lines
from audiotl_cli.locks import locked

LIST = ".audiotl-written"
LINE_EXTRA = 10  # bytes that `append_lines` puts around a line

Content = Callable[[Path], str]
"""Returns a digest of the content of a file."""


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of every byte."""
    return digest(path, "sha256")


class WrittenFiles:
    """The files that audiotl wrote, by folder; each list is read once.

    Parameters
    ----------
    content : callable
        Returns a digest of the content of a file.
    """

    def __init__(self, content: Content = file_sha256) -> None:
        self._content = content
        self._folders: dict[Path, tuple[int, dict[str, set[tuple[str, str]]]]] = {}

    def is_free(self, path: Path) -> bool:
        """Return whether a file may be written: it does not exist, or audiotl wrote it."""
        return not os.path.lexists(path) or bool(self._marks(path))

    def is_made_with(self, path: Path, made_with: str) -> bool:
        """Return whether a file exists as audiotl wrote it with these settings."""
        return os.path.lexists(path) and any(made == made_with for _, made in self._marks(path))

    def is_listed(self, path: Path, content: str) -> bool:
        """Return whether audiotl wrote a file with this content."""
        return any(listed == content for listed, _ in self._known(path))

    def claim(self, paths: Iterable[Path], *, overwrite: bool = False) -> None:
        """Check that files may be written, before any work is done for them.

        Parameters
        ----------
        paths : iterable of Path
        overwrite : bool
            Whether existing files may be replaced, whoever made them. They are listed as if
            audiotl had written them, so later edits are protected again.

        Raises
        ------
        UsageError
            A file, or the list itself, was made or edited by somebody else, or is not a regular
            file.
        """
        paths = list(paths)
        for folder in {path.parent for path in paths}:
            _check_list(folder / LIST)
        taken = [path for path in paths if not self.is_free(path)]
        for path in taken:
            if not path.is_file():
                kind = "a folder" if path.is_dir() else "not a regular file"
                raise UsageError(f"{path} is {kind}, so it cannot be written; choose another name")
        if taken and not overwrite:
            raise UsageError(refusal(taken))
        for path in taken:
            self.mark(path, self._content(path))

    def mark(self, path: Path, content: str, made_with: str = "") -> None:
        """List a file before it is written with this content."""
        known = self._known(path)
        if (content, made_with) in known:
            return
        line = json.dumps([path.name, content, made_with]).encode()
        try:
            append_lines(path.with_name(LIST), [line])
        except OSError as error:
            error.filename = str(path)
            raise
        known.add((content, made_with))
        n_bytes, found = self._folders[path.parent]
        if _size(path.with_name(LIST)) == n_bytes + LINE_EXTRA + len(line):  # nobody else's line
            self._folders[path.parent] = n_bytes + LINE_EXTRA + len(line), found

    def write(self, path: Path, data: bytes | memoryview, made_with: str = "") -> None:
        """Write a complete file, and create its folder if it does not exist.

        Processes that write into the same folder wait for each other.

        Parameters
        ----------
        path : Path
        data : bytes or memoryview
        made_with : str
            A digest of the settings it depends on, for `is_made_with`.

        Raises
        ------
        UsageError
            The file is somebody else's.
        OSError
            It cannot be written; what was there stays.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.with_name(LIST)):
            self.claim([path])
            self.mark(path, hashlib.sha256(data).hexdigest(), made_with)
            write_whole(path, data, before_rename=lambda: self.claim([path]))

    def remove(self, path: Path) -> None:
        """Delete a file if audiotl wrote it and nobody has edited it since."""
        if self._marks(path):
            remove_regular(path)

    def _marks(self, path: Path) -> set[tuple[str, str]]:
        """Return the entries of a file that match its current content."""
        if not path.is_file() or not self._known(path):
            return set()
        try:
            content = self._content(path)
        except OSError:
            return set()
        return {listed for listed in self._known(path) if listed[0] == content}

    def _known(self, path: Path) -> set[tuple[str, str]]:
        """Return all entries of a file, including those just added by other processes."""
        folder = path.parent
        n_bytes = _size(folder / LIST)
        if folder not in self._folders or self._folders[folder][0] != n_bytes:
            self._folders[folder] = n_bytes, _read_list(folder)
        return self._folders[folder][1].setdefault(path.name, set())


def _check_list(path: Path) -> None:
    if os.path.lexists(path) and not is_regular(path):
        raise UsageError(
            f"{path} is where audiotl records the files it wrote, but it is a link, a folder or "
            "a device; delete it, or choose another folder"
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _read_list(folder: Path) -> dict[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = {}
    for line in read_lines(folder / LIST):
        try:
            name, content, made_with = json.loads(line)
            found.setdefault(name, set()).add((content, made_with))
        except (RecursionError, TypeError, ValueError):  # a line of another version
            continue
    return found


def claim(paths: Iterable[Path], *, overwrite: bool = False) -> None:
    """Make sure that files can and may be written, before any work is done for them.

    Raises
    ------
    UsageError
        A folder is none or cannot be written into; or see `WrittenFiles.claim`.
    """
    paths = list(paths)
    for folder in {path.parent for path in paths}:
        check_folder(folder)
    WrittenFiles().claim(paths, overwrite=overwrite)


def check_folder(folder: Path, advice: str = "choose another place") -> None:
    """Raise `UsageError` for a folder that cannot be made or written into.

    The message ends with `advice`.
    """
    parents = (folder, *folder.absolute().parents)
    nearest = next((path for path in parents if os.path.lexists(path)), None)
    if nearest is None or (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
        return
    reason = "this user may not write into it" if nearest.is_dir() else "it is not a folder"
    into = "" if nearest == folder else f", which lies in {nearest}"
    raise UsageError(f"nothing can be written into {folder}{into}: {reason}; {advice}")


def write_output(path: Path, data: bytes | memoryview) -> None:
    """Write a result file, but never overwrite somebody else's."""
    WrittenFiles().write(path, data)


def refusal(paths: Iterable[Path]) -> str:
    """Return the message that files cannot be overwritten, with advice."""
    first, *more = map(str, paths)
    names = f"{first} and {len(more)} more are" if more else f"{first} is"
    if more:
        return (
            f"{names} not as audiotl wrote them: somebody created or edited them. Move them away, "
            "choose another place, or replace them with --overwrite"
        )
    return (
        f"{names} not as audiotl wrote it: somebody created or edited it. Move it away, choose "
        "another place, or replace it with --overwrite"
    )
