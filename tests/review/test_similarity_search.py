from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audiotl_cli.classifiers.pooling import pool
from audiotl_cli.errors import DataError
from audiotl_cli.project import Project
from audiotl_cli.review import similarity_search
from audiotl_cli.review.similarity import POOLING, SimilarityScale
from audiotl_cli.workflows.similar import SimilarOptions, find_similar
from tests.experiments.stores import made_index, made_store


@pytest.fixture
def store(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    index = made_index(tmp_path, ["dog", "cat", "", "dog"] * 8)
    for name, dim in (("made", 6), ("other", 3)):
        frames = [rng.normal(size=(3, dim)).astype(np.float32) for _ in index.clips]
        made_store(tmp_path, index, frames, name=name, per_shard=5)
    return tmp_path


def vectors_of(folder: Path, name: str) -> np.ndarray:
    from audiotl_cli.dataset.index import Index
    from audiotl_cli.store.store import open_stores

    (found,) = [
        store for store in open_stores(folder / "data" / "features") if store.extractor == name
    ]
    index = Index.read(folder / "data" / "index" / "made.csv")
    read = found.read(found.keys())
    return np.concatenate([pool(read[clip.sha256].frames, POOLING) for clip in index.clips])


@pytest.mark.parametrize("names", [["made"], ["made", "other"]], ids=" ".join)
def test_the_nearest_clips_are_found(store: Path, names: list[str]) -> None:
    from audiotl_cli.dataset.index import Index

    index = Index.read(store / "data" / "index" / "made.csv")
    cosines = []
    for name in names:
        vectors = vectors_of(store, name)
        units = SimilarityScale.measure(vectors).units(vectors)
        cosines.append(units @ units.T)
    mean = np.mean(cosines, axis=0)
    np.fill_diagonal(mean, -np.inf)

    results, used = find_similar(
        Project(store), index, ["000003.wav", "000011.wav"], SimilarOptions(5, names)
    )

    assert [store.extractor for store in used] == names
    for row, result in zip((3, 11), results, strict=True):
        expected = np.argsort(-mean[row])[:5]
        assert [found.clip for found in result.found] == [index.clips[i] for i in expected]
        np.testing.assert_allclose(
            [found.similarity for found in result.found], mean[row, expected], atol=1e-5
        )


def test_a_store_is_read_shard_by_shard(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from audiotl_cli.dataset.index import Index

    index = Index.read(store / "data" / "index" / "made.csv")
    monkeypatch.setattr(
        similarity_search, "SAMPLE_BYTES", 1000
    )  # of 32 clips of 48 bytes: 4 shards
    told: list[tuple[int, int]] = []

    (similar,), _ = find_similar(
        Project(store),
        index,
        ["000003.wav"],
        SimilarOptions(99, ["made"]),
        on_clips=lambda done, total: told.append((done, total)),
    )

    assert len({near.clip.path for near in similar.found}) == 31
    assert told[-1] == (32, 32)
    assert len(told) == 7


def test_imported_features_embed_nothing(store: Path, sounds: Path) -> None:
    from audiotl_cli.dataset.index import Index

    index = Index.read(store / "data" / "index" / "made.csv")

    with pytest.raises(DataError, match="imported features"):
        find_similar(
            Project(store),
            index,
            [str(sounds / "rain" / "rain-00.wav")],
            SimilarOptions(5, ["made"]),
        )
