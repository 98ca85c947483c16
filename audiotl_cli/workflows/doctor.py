"""Try whether this installation works: libraries, decoders, cache, networks, and the project."""

from __future__ import annotations

import os
import platform
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata

import numpy as np

from audiotl_cli import __version__
from audiotl_cli.audio.isolated import Decoders
from audiotl_cli.audio.types import AudioSource
from audiotl_cli.classifiers.model_file import load_model_file
from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import AudiotlError
from audiotl_cli.experiments.stored import machine_memory
from audiotl_cli.extractors.registry import extractor_class, list_extractors
from audiotl_cli.extractors.sources import find
from audiotl_cli.files import cache_folder
from audiotl_cli.leftovers import temporary_folder
from audiotl_cli.network import is_offline
from audiotl_cli.processors import n_processors
from audiotl_cli.project import FEATURES, INDEXES, MODELS
from audiotl_cli.store.store import open_stores
from audiotl_cli.workflows.verify import verify_models

OnCheck = Callable[[int, int], None]
"""Told the checks done, and of how many."""

TONE_HZ, TONE_S, TONE_RATE = 1000, 0.5, 48_000
FORMATS = {"WAV": "PCM_16", "FLAC": "PCM_16", "OGG": "VORBIS", "MP3": "MPEG_LAYER_III"}
LEAST_LIKE = 0.9
"""Correlation of a tone with what comes back; MP3 gave 0.99, another tone would give 0."""

ROOM_BYTES = 1 << 30  # of the cache: what the largest network takes three times


@dataclass(frozen=True)
class Finding:
    """What was found of one thing.

    Parameters
    ----------
    about : str
    state : str
        ``good``; ``absent`` for what is optional and not there; ``bad`` for what should work and
        does not.
    found : str
    advice : str
        What to do; empty where there is nothing to do.
    """

    about: str
    state: str
    found: str
    advice: str = ""


def examine(on_check: OnCheck = lambda done, total: None) -> list[Finding]:
    """Try everything, and return what was found; nothing is fetched or changed.

    Parameters
    ----------
    on_check : callable
    """
    checks = [_installation, _tensorflow, _extras, _cache, _decoding]
    checks += [_network(name) for name in list_extractors()]
    checks += [_project]
    findings: list[Finding] = []
    for done, check in enumerate(checks):
        on_check(done, len(checks))
        findings += check()
    on_check(len(checks), len(checks))
    return findings


def _installation() -> Iterator[Finding]:
    cores, memory = n_processors(), machine_memory()
    yield Finding("audiotl", "good", f"{__version__}, Python {platform.python_version()}")
    yield Finding("machine", "good", f"{platform.platform()}, {cores} cores, {memory / 1e9:.0f} GB")
    for name, wanted in _requirements("").items():
        version = _version(name)
        if version is None:
            yield Finding(name, "bad", "not installed", f"pip install '{name}{wanted}'")


def _tensorflow() -> Iterator[Finding]:
    from audiotl_cli.extractors.runtime import tensorflow

    started = time.perf_counter()
    try:
        version = tensorflow().__version__
    except Exception as error:  # a broken installation fails in any way
        yield Finding(
            "tensorflow", "bad", _first_line(error), "pip install --force-reinstall tensorflow"
        )
        return
    yield Finding(
        "tensorflow", "good", f"{version}, imported in {time.perf_counter() - started:.1f} s"
    )


def _extras() -> Iterator[Finding]:
    for extra in sorted(metadata.metadata("audiotl").get_all("Provides-Extra") or ()):
        if extra in ("dev", "openl3"):  # for contributors; another way to bring weights along
            continue
        missing = [name for name in _requirements(extra) if _version(name) is None]
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


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _cache() -> Iterator[Finding]:
    folder = cache_folder()
    there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        yield Finding(
            "cache", "bad", f"{folder} cannot be written", "AUDIOTL_CACHE names another folder"
        )
        return
    free = shutil.disk_usage(there).free
    found = f"{folder}, {free / 1e9:.0f} GB free" + (", AUDIOTL_OFFLINE is set" * is_offline())
    advice = "AUDIOTL_CACHE names a folder with more room" if free < ROOM_BYTES else ""
    yield Finding("cache", "bad" if advice else "good", found, advice)


def _decoding() -> Iterator[Finding]:
    """Write a tone in every form, and read it as recordings are read."""
    import soundfile

    t = np.arange(round(TONE_S * TONE_RATE)) / TONE_RATE
    tone = 0.5 * np.sin(2 * np.pi * TONE_HZ * t)
    heard, failed = [], []
    with temporary_folder() as folder, Decoders() as decoders:
        for name, subtype in FORMATS.items():
            path = folder / f"tone.{name.lower()}"
            try:
                soundfile.write(path, tone, TONE_RATE, format=name, subtype=subtype)
                blocks = list(decoders.read_blocks_at(AudioSource(path), 16_000, "soxr"))
                _expect_tone(np.concatenate(blocks))
                heard.append(name)
            except (AudiotlError, soundfile.SoundFileError, ValueError) as error:
                failed.append(f"{name} ({_first_line(error)})")
    library = f"libsndfile {soundfile.__libsndfile_version__}, soxr {_version('soxr')}"
    if heard:
        yield Finding("decoding", "good", f"{', '.join(heard)} by {library}")
    if failed:
        advice = "pip install --force-reinstall soundfile soxr"
        yield Finding("decoding", "bad", f"{'; '.join(failed)} by {library}", advice)


def _expect_tone(samples: np.ndarray) -> None:
    expected = np.exp(2j * np.pi * TONE_HZ * np.arange(len(samples)) / 16_000)
    like = abs(samples @ expected) / np.linalg.norm(samples) / np.sqrt(len(samples) / 2)
    if not like > LEAST_LIKE:
        raise ValueError("another sound came back")


def _network(name: str) -> Callable[[], Iterator[Finding]]:
    def check() -> Iterator[Finding]:
        try:
            kind = extractor_class(name)
            needed = kind.weights_files(kind.default_layer)
            if not all(find(source) for source in needed):
                yield Finding(
                    name, "absent", "its weights are not here", f"audiotl models fetch {name}"
                )
                return
            report = verify_models(name)
        except AudiotlError as error:
            yield Finding(name, "bad", _first_line(error))
            return
        failed = [one for one in report.checks if one.passed is False]
        whose = {label for one in report.networks for label in one.weights.values()}
        if failed:
            found = f"{len(failed)} of {len(report.checks)} published values are not met"
            yield Finding(name, "bad", found, f"audiotl models verify {name}")
        elif whose - {"published"}:
            yield Finding(name, "good", "weights of your own, not the published ones")
        else:
            n_met = sum(one.passed is True for one in report.checks)
            yield Finding(name, "good", f"{n_met} published values met" if n_met else "ready")

    return check


def _project() -> Iterator[Finding]:
    for path in sorted(INDEXES.glob("*.csv")):
        try:
            yield Finding(str(path), "good", f"{len(Index.read(path).clips)} clips")
        except AudiotlError as error:
            yield Finding(str(path), "bad", _first_line(error))
    for store in open_stores(FEATURES):
        yield Finding(str(store.folder), "good", f"{len(store.keys())} clips")
    for path in sorted(MODELS.glob("*.joblib")):
        try:
            _, card = load_model_file(path)
            yield Finding(str(path), "good", f"{len(card.labels)} labels")
        except AudiotlError as error:
            yield Finding(str(path), "bad", _first_line(error))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
