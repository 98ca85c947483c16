"""Look into feature stores, and bring features from elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from audiotl_cli.classifiers.card import ExtractorSpec
from audiotl_cli.dataset.added import add_clips
from audiotl_cli.dataset.index import Clip, Index, index_content
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.extractors.trusted import Program, list_programs
from audiotl_cli.project import Project
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.find import open_all
from audiotl_cli.store.seed import add_seed_clips, read_seed_file
from audiotl_cli.store.store import FeatureStore, open_stores
from audiotl_cli.store.verify import VerifyReport, verify_stores
from audiotl_cli.stored_clips import store_spec
from audiotl_cli.written import WrittenFiles

__all__ = ["VerifyReport", "import_features", "store_info", "verify_stores"]

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


def import_features(
    project: Project,
    path: Path,
    name: str,
    split: str,
    *,
    store: AnyPath | None = None,
    overwrite: bool = False,
) -> ImportReport:
    """Bring in a feature file of sklearn-audio-transfer-learning, with an index of its clips.

    A second file under the same name adds its clips to the same store and index.

    Parameters
    ----------
    project : Project
    path : Path
        An npz file with ``X``, ``Y`` and ``IDS``.
    name : str
        Of the index, and of the features in place of an extractor's.
    split : str
        The split its clips belong to.
    store : Path, RemotePath or None
        The folder of stores; None for the project's.
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
    index_path = project.index_dir / f"{name}.csv"
    root = store or project.features_dir
    WrittenFiles(index_content).claim([index_path], overwrite=overwrite)
    clips = read_seed_file(path)
    dim = clips[0].frames.shape[1]
    others = [other for other in open_stores(root) if other.extractor == name and other.dim != dim]
    if index_path.exists() and others:
        raise DataError(
            f"{path} has {dim} values a frame, but {name!r} was imported with {others[0].dim}; "
            "give it another --name"
        )
    made_from = {"imported": name, "dim": dim, "version": SEED_VERSION}
    imported = FeatureStore.create(root, name, dim, made_from)
    keys = add_seed_clips(imported, clips)
    rows = [
        Clip(clip.path, label=clip.label, split=split, sha256=key)
        for clip, key in zip(clips, keys, strict=True)
    ]
    index = add_clips(index_path, rows, overwrite=overwrite)
    return ImportReport(index, imported, len(clips), sum(len(clip.frames) for clip in clips))


def _info(store: FeatureStore) -> StoreInfo:
    shards = store.shards()
    n_bytes = sum(store.shard_size(shard) for shard in shards)
    spec = store_spec(store)
    programs = list_programs([] if spec.imported else [spec.name])
    return StoreInfo(store, spec, len(store), len(shards), n_bytes, programs)
