from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audiotl_cli import FeatureStore
from tests.conftest import Run


@pytest.fixture
def extracted(project: Path, sounds: Path, run: Run) -> Path:
    run("index", sounds)
    value = run("extract", "--extractor", "mfcc", "--json").json
    return project / str(value["store"])


def test_info_says_how_features_were_made(extracted: Path, run: Run) -> None:
    (store,) = run("store", "info", "--json").json

    assert store["extractor"] == "mfcc"
    assert store["n_clips"] == 24
    assert store["made_from"]["sample_rate"] == 22050
    assert store["made_from"]["resampler"] == "soxr"
    assert "mfcc-" in run("store", "info").out


def test_a_damaged_shard_is_named_moved_and_made_again(extracted: Path, run: Run) -> None:
    assert run("store", "verify").code == 0
    (shard,) = extracted.glob("shard-*.npz")
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 4
    shard.write_bytes(data)

    finished = run("store", "verify")

    assert finished.code == 1
    assert shard.name in finished.err
    assert run("store", "verify").code == 0
    assert run("extract", "--extractor", "mfcc", "--json").json["n_added"] == 24
    assert run("train").code == 0


def test_training_on_a_damaged_shard_says_what_to_do(extracted: Path, run: Run) -> None:
    (shard,) = extracted.glob("shard-*.npz")
    shard.write_bytes(shard.read_bytes()[:-200])

    finished = run("train")

    assert finished.code == 3
    assert "audiotl extract" in finished.err
    assert "Traceback" not in finished.err


def write_seed_file(path: Path, clips: dict[str, int], n_frames: int = 5) -> None:
    rng = np.random.default_rng(len(clips))
    ids = [name for name in clips for _ in range(n_frames)]
    numbers = np.array([clips[name] for name in ids])
    features = rng.normal(size=(len(ids), 4)).astype(np.float32)
    features[:, 0] += 10 * numbers
    np.savez(path, X=features, Y=numbers, IDS=np.array(ids))


def test_imported_features_train_and_evaluate(project: Path, run: Run) -> None:
    labels = ("blues", "jazz")
    train = {f"{label}/{label}.{i}.au": n for n, label in enumerate(labels) for i in range(6)}
    test = {f"{label}/{label}.{i}.au": n for n, label in enumerate(labels) for i in range(6, 8)}
    write_seed_file(project / "train.npz", train)
    write_seed_file(project / "test.npz", test)

    first = run("store", "import", "train.npz", "--name", "gtzan", "--split", "train", "--json")
    second = run("store", "import", "test.npz", "--name", "gtzan", "--split", "test", "--json").json
    again = run("store", "import", "test.npz", "--name", "gtzan", "--split", "test", "--json").json

    assert first.json["n_clips"] == 12
    assert first.json["n_frames"] == 60
    assert second["splits"] == {"test": 4, "train": 12}
    assert again == second
    assert second["labels"] == ["blues", "jazz"]
    assert run("train", "--classifier", "linear-svm", "--pooling", "vote").code == 0
    assert run("evaluate", "--json").json["accuracy"] == 1
    predicted = run("predict", "train.npz")
    assert predicted.code == 5
    assert "imported features" in predicted.err


@pytest.mark.parametrize("content", [b"", b"no npz", None])
def test_what_cannot_be_imported_is_explained(
    project: Path, run: Run, content: bytes | None
) -> None:
    if content is None:
        np.savez(project / "bad.npz", A=np.zeros(3))
    else:
        (project / "bad.npz").write_bytes(content)

    finished = run("store", "import", "bad.npz", "--name", "x")

    assert finished.code == 3
    assert "bad.npz" in finished.err
    assert "Traceback" not in finished.err


def test_prune_keeps_what_an_index_names(extracted: Path, run: Run) -> None:
    index = next((Path("data") / "index").glob("*.csv"))
    lines = index.read_text().splitlines()
    (extracted / "damaged-shard-0.npz").write_bytes(b"12345")
    other = index.with_name("other.csv")
    other.write_text("\n".join(lines[:1] + lines[-4:]) + "\n")

    assert run("store", "prune", "--json").json["stores"][0]["n_removed"] == 0  # both indexes
    assert not (extracted / "damaged-shard-0.npz").exists()
    dry = run("store", "prune", "--index", other, "--dry-run", "--json").json
    assert "20 clips" in run("store", "prune", "--index", other, "--dry-run").out
    done = run("store", "prune", "--index", other, "--json").json

    assert (dry.pop("dry_run"), done.pop("dry_run")) == (True, False)
    assert dry == done
    (store,) = done["stores"]
    assert (store["n_removed"], store["n_kept"], store["leftovers"]) == (20, 4, [])
    assert done["n_bytes"] == store["n_bytes"] > 20 * 120 * 4
    assert run("store", "info", "--json").json[0]["n_clips"] == 4
    assert run("extract", "--extractor", "mfcc", "--index", other, "--json").json["n_skipped"] == 4


def test_prune_without_an_index_or_with_unknown_clips_removes_nothing(
    extracted: Path, run: Run
) -> None:
    index = next((Path("data") / "index").glob("*.csv"))
    index.write_text(index.read_text() + "gone/away.wav\n")
    unknown = run("store", "prune")
    index.unlink()
    without = run("store", "prune")

    assert (unknown.code, without.code) == (3, 3)
    assert "gone/away.wav: no such file" in unknown.err
    assert "name one: --index" in without.err
    assert run("store", "info", "--json").json[0]["n_clips"] == 24


def test_prune_leaves_a_busy_store_alone(extracted: Path, run: Run) -> None:
    with FeatureStore(extracted).writer():
        finished = run("store", "prune", "--json")
    assert finished.code == 1
    assert finished.json["busy"] == [str(extracted.relative_to(Path.cwd()))]
    assert "another command is writing to it" in finished.err
