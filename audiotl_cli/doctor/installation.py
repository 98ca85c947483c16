"""The Python packages, the machine, and the folder of weights."""

from __future__ import annotations

import os
import platform
import re
import shutil
import time
from collections.abc import Iterator
from importlib import metadata

from audiotl_cli import __version__
from audiotl_cli.doctor.finding import Finding, first_line
from audiotl_cli.files import cache_folder
from audiotl_cli.network import is_offline
from audiotl_cli.processors import machine_memory, n_processors
from audiotl_cli.text import counted

ROOM_BYTES = 1 << 30  # of the cache: what the largest network takes three times


def check_packages() -> Iterator[Finding]:
    """Look for the packages that are always needed."""
    cores, memory = n_processors(), machine_memory()
    yield Finding("audiotl", "good", f"{__version__}, Python {platform.python_version()}")
    yield Finding(
        "machine", "good", f"{platform.platform()}, {counted(cores, 'core')}, {memory / 1e9:.0f} GB"
    )
    for name, wanted in _requirements("").items():
        version = package_version(name)
        if version is None:
            yield Finding(name, "bad", "not installed", f"pip install '{name}{wanted}'")


def check_tensorflow() -> Iterator[Finding]:
    """Import TensorFlow."""
    from audiotl_cli.extractors.runtime import tensorflow

    started = time.perf_counter()
    try:
        version = tensorflow().__version__
    except Exception as error:  # a broken installation fails in any way
        yield Finding(
            "tensorflow", "bad", first_line(error), "pip install --force-reinstall tensorflow"
        )
        return
    yield Finding(
        "tensorflow", "good", f"{version}, imported in {time.perf_counter() - started:.1f} s"
    )


def check_extras() -> Iterator[Finding]:
    """Look for the packages of extras."""
    for extra in sorted(metadata.metadata("audiotl").get_all("Provides-Extra") or ()):
        if extra in ("dev", "openl3"):  # for contributors; another way to bring weights along
            continue
        missing = [name for name in _requirements(extra) if package_version(name) is None]
        if missing:
            found = f"without {', '.join(missing)}"
            yield Finding(f"audiotl[{extra}]", "absent", found, f"pip install 'audiotl[{extra}]'")
        else:
            yield Finding(f"audiotl[{extra}]", "good", "installed")


def _requirements(extra: str) -> dict[str, str]:
    """Return the packages an extra needs, and their versions; "" for what is always needed."""
    found = {}
    for text in metadata.requires("audiotl") or ():
        needed, _, marker = text.partition(";")
        of = re.search(r"extra\s*==\s*['\"]([\w-]+)", marker)
        name = re.match(r"[\w.-]+", needed)
        if name and (of[1] if of else "") == extra:
            found[name[0]] = needed[name.end() :].strip()
    return found


def package_version(name: str) -> str | None:
    """Return the version of a package that is installed; None of one that is not."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def check_cache() -> Iterator[Finding]:
    """Look whether weights can be put where they belong."""
    folder = cache_folder()
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        yield Finding(
            "cache", "bad", f"{folder} cannot be written", "set AUDIOTL_CACHE to another folder"
        )
        return
    free = shutil.disk_usage(there).free
    found = f"{folder}, {free / 1e9:.0f} GB free" + (", AUDIOTL_OFFLINE is set" * is_offline())
    advice = "set AUDIOTL_CACHE to a folder with more free space" if free < ROOM_BYTES else ""
    yield Finding("cache", "bad" if advice else "good", found, advice)
