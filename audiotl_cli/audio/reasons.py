"""Say why a recording is not there, or what a file is instead of a recording."""

from __future__ import annotations

import os
import unicodedata
from functools import lru_cache
from pathlib import Path

N_HEAD = 512
"""Bytes at the beginning of a file that show what it is."""

_KINDS = (
    (b"version https://git-lfs.github.com/spec/",
     "a Git LFS pointer: run `git lfs pull` in its repository"),
    (b"/annex/objects/", "a git-annex pointer: run `git annex get`"),
    (b"\0\5\x16\7", "what macOS notes about a file"),
    (b"Rar!", "a RAR archive: unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it"),
    (b"\x1f\x8b", "a file compressed by gzip: unpack it"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
)  # fmt: skip
_WEB = (b"<!doctype html", b"<html", b"<head", b"<body")


def same_name(text: str) -> str:
    """Return what is equal for names that differ only in case or in how accents are written."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def why_missing(path: str | Path) -> str:
    """Return why there is no file at a path, and what lies near it."""
    path = Path(path)
    if path.is_symlink():
        return f"no such file: the link leads to {path.readlink()}, which does not exist"
    missing = path
    while not missing.parent.is_dir() and missing.parent != missing.parent.parent:
        missing = missing.parent
    names = _names(str(missing.parent))
    if same := names.get(same_name(missing.name)):
        return f"no such file, but {_difference(missing.name, same[0])}"
    if missing != path:
        return f"no such file: there is no folder {missing}"
    if names.get(same_name(f".{path.name}.icloud")):
        return "no such file: it is still in iCloud; download it in the Finder"
    stem = same_name(path.stem)
    others = [same[0] for name, same in names.items() if Path(name).stem == stem]
    return f"no such file, but {others[0]} is there" if others else "no such file"


def what_it_is(head: bytes) -> str:
    """Return what a file is that is no recording, by its first `N_HEAD` bytes; empty if unknown."""
    for start, kind in _KINDS:
        if head.startswith(start):
            return kind
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(_WEB):
        return "a web page: the download failed or needs a login"
    if text.startswith(b"<?xml"):
        return "an XML document, perhaps the error of a server: download the file again"
    if head.startswith(b"PK\3\4"):
        encrypted = len(head) > 6 and head[6] & 1
        return f"{'an encrypted' if encrypted else 'a'} zip archive: unpack it"
    if head and not head.strip(b"\0"):
        return "zero bytes: it was not copied or downloaded completely"
    if text and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        return "text"
    return ""


def _difference(name: str, other: str) -> str:
    composed = unicodedata.normalize("NFC", name) == unicodedata.normalize("NFC", other)
    how = "how accents are written" if composed else "upper and lower case"
    return f"{other} is there, which differs only in {how}"


def _names(folder: str) -> dict[str, list[str]]:
    """Return the names in a folder by `same_name`."""
    try:
        return _names_at(folder, os.stat(folder).st_mtime_ns)  # noqa: PTH116
    except OSError:
        return {}


@lru_cache(maxsize=16)
def _names_at(folder: str, modified_ns: int) -> dict[str, list[str]]:
    """List a folder once, as long as it does not change: thousands of files may be missing."""
    found: dict[str, list[str]] = {}
    for path in sorted(Path(folder).iterdir()):
        found.setdefault(same_name(path.name), []).append(path.name)
    return found
