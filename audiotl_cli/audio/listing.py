"""List the recordings below a folder, and what else is there."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import overload

from audiotl_cli.audio.suffixes import EXTENSIONS, NOT_READ
from audiotl_cli.files import head_of
from audiotl_cli.left_out import SYSTEM_FILE, LeftOut, LeftOutCounter
from audiotl_cli.storage.paths import AnyPath, relative
from audiotl_cli.storage.remote import RemotePath

N_KINDS = 4
"""Kinds of files that a message about a folder without recordings names at most."""

_SYSTEM = "hidden, or made by the system"
_SYSTEM_NAMES = {"thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"}
_SYSTEM_FOLDERS = {
    "__macosx", "@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found",
}  # fmt: skip
_SOUND_HEADS = {
    b"RIFF": ".wav", b"RF64": ".wav", b"fLaC": ".flac", b"OggS": ".ogg", b"ID3": ".mp3",
    b"FORM": ".aiff", b"caff": ".caf", b"\x1aE\xdf\xa3": ".mkv", b"#!AMR": ".amr",
    b"0&\xb2u": ".wma",
}  # fmt: skip


@dataclass(frozen=True)
class Skipped:
    """A file or folder that is no recording that can be read; see `left_out.LeftOut`."""

    path: str
    reason: str
    suffix: str = ""
    unit: str = "file"


@dataclass(frozen=True)
class Listing:
    """What lies below a folder.

    Parameters
    ----------
    folder : Path or RemotePath
    recordings : list of Path or RemotePath
        Sorted.
    skipped : list of Skipped
        What a user may take for a recording, and what could not be looked into. Their paths are
        relative to the folder.
    folders : list of str
        Folders, relative to the folder.
    others : Counter of str
        Files that nobody takes for recordings, such as ``.txt``, by suffix.
    other_folders : set of str
        Folders that hold such files.
    """

    folder: AnyPath
    recordings: list[AnyPath]
    skipped: list[Skipped] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    other_folders: set[str] = field(default_factory=set)

    @property
    def paths(self) -> list[str]:
        """Paths of the recordings, relative to the folder."""
        return [relative(path, self.folder) for path in self.recordings]

    def count(
        self,
        left_out: LeftOutCounter,
        named: Collection[str] = (),
        *,
        below: str = "",
        label_of: Callable[[str], str] = lambda path: "",
    ) -> None:
        """Add what was skipped to what a command leaves out.

        Parameters
        ----------
        left_out : LeftOutCounter
        named : collection of str
            Paths that are not left out, because a table names them.
        below : str
            Goes before each path.
        label_of : callable
            Returns the label that a file would have; empty where it would have none.
        """
        for item in self.skipped:
            path = below + item.path
            if path not in named:
                inside = f"{path}/all" if item.unit in ("folder", "link") else path
                labels = [label_of(inside)] if item.unit != SYSTEM_FILE else ()
                left_out.add(item.reason, path, suffix=item.suffix, unit=item.unit, labels=labels)

    def nothing_found(self) -> str:
        """Return what to say of a folder without recordings."""
        left_out = LeftOutCounter()
        self.count(left_out)
        there = [f"{group.counted} ({group.reason})" for group in left_out.found()[:N_KINDS]]
        for suffix, n in self.others.most_common(N_KINDS):
            there.append(LeftOut("", n, suffix=suffix or "other").counted)
        return "holds no recordings (files ending in .wav, .flac, .ogg, .mp3, ...): it " + (
            f"holds {', '.join(there)}" if there else "is empty"
        )


@overload
def find_recordings(folder: Path) -> list[Path]: ...
@overload
def find_recordings(folder: RemotePath) -> list[RemotePath]: ...
def find_recordings(folder: AnyPath) -> list[Path] | list[RemotePath]:
    """Return the recordings that `list_folder` finds."""
    return list_folder(folder).recordings  # type: ignore[return-value]


def list_folder(folder: AnyPath) -> Listing:
    """List what lies below a folder; linked folders are followed once, hidden ones left out.

    Recordings are files with a suffix in `EXTENSIONS`, whatever they hold.
    """
    listing = Listing(folder, [])
    if isinstance(folder, Path):
        _walk(folder, listing)
    else:
        for path in folder.files():
            name = path.url.removeprefix(f"{folder.url}/")
            hidden = any(part.startswith(".") for part in PurePosixPath(name).parts)
            _sort(path, name, listing, hidden=hidden)
    listing.recordings.sort()
    listing.skipped.sort(key=lambda item: item.path)
    return listing


def _walk(folder: Path, listing: Listing) -> None:
    seen: set[str] = set()

    def skip_folder(path: str, reason: str) -> None:
        listing.skipped.append(Skipped(_below(path, folder), reason, unit="folder"))

    def on_error(error: OSError) -> None:
        skip_folder(str(error.filename), f"cannot be looked into ({error.strerror})")

    for root, folders, files in os.walk(folder, followlinks=True, onerror=on_error):
        real = os.path.realpath(root)
        if real in seen:
            skip_folder(root, "leads to a folder that is listed already")
            folders.clear()
            continue
        seen.add(real)
        kept = sorted(name for name in folders if not _is_system_folder(name))
        below = "" if root == str(folder) else f"{_below(root, folder)}/"
        for name in set(folders).difference(kept):
            listing.skipped.append(Skipped(f"{below}{name}/", _SYSTEM, unit=SYSTEM_FILE))
        folders[:] = kept
        listing.folders.extend(below + name for name in kept)
        for name in files:
            _sort(Path(root, name), below + name, listing, hidden=name.startswith("."))


def _sort(path: AnyPath, name: str, listing: Listing, *, hidden: bool) -> None:
    """Add a file to the recordings, to what is skipped, or to the others."""
    base, suffix = name.rpartition("/")[2], PurePosixPath(name).suffix.lower()
    if hidden and suffix == ".icloud":
        whole = PurePosixPath(base[1:]).stem
        kind = PurePosixPath(whole).suffix.lower()
        if kind in EXTENSIONS or kind in NOT_READ:
            reason = "is still in iCloud; download it in the Finder"
            listing.skipped.append(Skipped(name, reason, kind))
            return
    if hidden or base.lower() in _SYSTEM_NAMES:
        listing.skipped.append(Skipped(name, _SYSTEM, unit=SYSTEM_FILE))
    elif suffix in EXTENSIONS:
        listing.recordings.append(path)
    elif suffix in NOT_READ:
        listing.skipped.append(Skipped(name, NOT_READ[suffix], suffix))
    elif not suffix and isinstance(path, Path) and (kind := _kind_of_sound(path)):
        reason = f"its name has no suffix, but it holds sound; name it {base}{kind}"
        listing.skipped.append(Skipped(name, reason))
    elif not suffix and isinstance(path, Path) and not path.exists():
        listing.skipped.append(Skipped(name, "leads to nothing that exists", unit="link"))
    else:
        listing.others[suffix] += 1
        listing.other_folders.add(name.rpartition("/")[0])


def _kind_of_sound(path: Path) -> str:
    head = head_of(path, 8)
    if head[4:] == b"ftyp":
        return ".m4a"
    return next((kind for start, kind in _SOUND_HEADS.items() if head.startswith(start)), "")


def _is_system_folder(name: str) -> bool:
    return name.startswith(".") or name.casefold() in _SYSTEM_FOLDERS


def _below(path: str, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()
