"""Look into feature stores, check them, and bring features from elsewhere."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audiotl_cli.classifiers.card import ExtractorSpec
from audiotl_cli.dataset.edited import change_index, is_edited
from audiotl_cli.dataset.index import Clip, Index, index_content
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.extractors.trusted import Program, list_programs
from audiotl_cli.project import is_store, no_store, open_all, store_spec
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.damaged import set_aside
from audiotl_cli.store.description import STORE_FILE
from audiotl_cli.store.seed import SeedClip, read_seed_file
from audiotl_cli.store.shard import Features
from audiotl_cli.store.store import FeatureStore, list_stores, open_stores
from audiotl_cli.written import WrittenFiles, refusal

SEED_VERSION = "1"


@dataclass(frozen=True)
class StoreInfo:
    """One store at a glance.

    Parameters
    ----------
    store : FeatureStore
    extractor : ExtractorSpec
        What its features were made with.
    n_clips, n_shards, n_bytes : int
    programs : list of Program
        What its extractor, unless it is audiotl's own, would load and run.
    """

    store: FeatureStore
    extractor: ExtractorSpec
    n_clips: int
    n_shards: int
    n_bytes: int
    programs: list[Program]


@dataclass(frozen=True)
class VerifyReport:
    """What a check of a store found.

    Parameters
    ----------
    folder : Path or RemotePath
    n_clips : int
        Clips in shards that are whole.
    damaged : list of tuple
        Each damaged file, where it lies now, and what is wrong.
    """

    folder: AnyPath
    n_clips: int
    damaged: list[tuple[AnyPath, AnyPath, str]]


@dataclass(frozen=True)
class ImportReport:
    """What an import brought.

    Parameters
    ----------
    index : Index
    store : FeatureStore
    n_clips, n_frames : int
        In the imported file.
    """

    index: Index
    store: FeatureStore
    n_clips: int
    n_frames: int


def store_info(root: AnyPath) -> list[StoreInfo]:
    """Return what each store in a folder holds, the one used last at the end."""
    return [_info(store) for store in open_all(root)]


def verify_stores(root: AnyPath, on_shard: Callable[[int, int], None]) -> list[VerifyReport]:
    """Read every shard of every store; move damaged ones aside."""
    reports = []
    for folder in [root] if is_store(root) else list_stores(root):
        path = folder / STORE_FILE
        try:
            store = FeatureStore(folder)
        except DataError as error:
            reports.append(VerifyReport(folder, 0, [(path, path, str(error))]))
            continue
        n_clips, damaged = store.verify(on_shard)
        moved = [(shard, set_aside(shard), reason) for shard, reason in damaged]
        reports.append(VerifyReport(folder, n_clips, moved))
    if not reports:
        raise no_store(root)
    return reports


def import_features(
    path: Path, name: str, split: str, *, root: AnyPath, indexes: Path, overwrite: bool = False
) -> ImportReport:
    """Bring in a feature file of sklearn-audio-transfer-learning, with an index of its clips.

    A second file under the same name adds its clips to the same store and index.

    Parameters
    ----------
    path : Path
        An npz file with ``X``, ``Y`` and ``IDS``.
    name : str
        Of the index, and of the features in place of an extractor's.
    split : str
        The split its clips belong to.
    root, indexes : Path
        Folders of stores and of indexes.
    overwrite : bool
        Whether an index of this name that somebody made or edited may be changed.

    Raises
    ------
    DataError
        The file is not such a file, or has another width than those before it.
    UsageError
        The name cannot be a file name, or an index of this name is not as audiotl wrote it.
    """
    if not re.fullmatch(r"[\w][\w.-]*", name):
        raise UsageError(f"--name is {name!r}; expected letters, digits, '.', '_' and '-'")
    index_path = indexes / f"{name}.csv"
    WrittenFiles(index_content).claim([index_path], overwrite=overwrite)
    clips = read_seed_file(path)
    dim = clips[0].frames.shape[1]
    others = [store for store in open_stores(root) if store.extractor == name and store.dim != dim]
    if index_path.exists() and others:
        raise DataError(
            f"{path} has {dim} values a frame, but {name!r} was imported with {others[0].dim}; "
            "give it another --name"
        )
    made_from = {"imported": name, "dim": dim, "version": SEED_VERSION}
    store = FeatureStore.create(root, name, dim, made_from)
    rows = list[Clip]()
    with store.writer() as writer:
        for clip in clips:
            key = _content_key(clip)
            if key not in store:
                # the file does not say when its frames begin: they are numbered
                times = np.arange(len(clip.frames), dtype=np.float64)
                writer.add(key, Features(clip.frames, times))
            rows.append(Clip(clip.path, label=clip.label, split=split, sha256=key))
    store.touch()
    index = _add_rows(index_path, rows, overwrite=overwrite)
    return ImportReport(index, store, len(clips), sum(len(clip.frames) for clip in clips))


def _add_rows(path: Path, rows: list[Clip], *, overwrite: bool) -> Index:
    """Put clips into an index, in the place of those of the same path."""

    def change(old: bytes | None) -> Index:
        if is_edited(path, old):
            raise UsageError(refusal([path]))
        there = _read_index(path, old, overwrite=overwrite)
        clips = {clip.path: clip for clip in [*there.clips, *rows]}
        return Index(list(clips.values()), there.audio_root)

    return change_index(path, change)


def _read_index(path: Path, data: bytes | None, *, overwrite: bool) -> Index:
    """Return the index that is there, unless there is none, or none that is to be kept."""
    try:
        return Index([], Path.cwd()) if data is None else Index.read(path, data)
    except DataError:
        if overwrite:
            return Index([], Path.cwd())
        raise


def _content_key(clip: SeedClip) -> str:
    """Return what stands in for the hash of a sound file that is not at hand."""
    digest = hashlib.sha256(clip.path.encode())
    digest.update(clip.frames.tobytes())
    return digest.hexdigest()


def _info(store: FeatureStore) -> StoreInfo:
    shards = store.shards()
    n_bytes = sum(store.shard_size(shard) for shard in shards)
    spec = store_spec(store)
    programs = list_programs([] if spec.imported else [spec.name])
    return StoreInfo(store, spec, len(store), len(shards), n_bytes, programs)
