"""Every named data set, in a small copy of its real structure."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from audiotl_cli.dataset.catalog.base import Listing, counts_by
from audiotl_cli.dataset.catalog.compare import Comparison, CountDifference, compare
from audiotl_cli.dataset.catalog.gtzan import partition
from audiotl_cli.dataset.catalog.registry import get_dataset, list_datasets
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.errors import DataError, UsageError
from tests.conftest import REPOSITORY, shared
from tests.dataset.folders import table, touch

DEVELOPMENT = "TUT-acoustic-scenes-2017-development"
EVALUATION = "TUT-acoustic-scenes-2017-evaluation"


def esc50(root: Path) -> None:
    touch(root, "ESC-50-master/audio/1-100032-A-0.wav", "ESC-50-master/audio/2-1-B-14.wav")
    (root / "ESC-50-master/meta").mkdir()
    table(
        root / "ESC-50-master/meta",
        "filename,fold,target,category,esc10,src_file,take\n"
        "1-100032-A-0.wav,1,0,dog,True,100032,A\n"
        "2-1-B-14.wav,2,14,chirping_birds,False,1,B\n"
        "5-9-A-49.wav,5,49,hand_saw,False,9,A\n",
        "esc50.csv",
    )


def urbansound8k(root: Path) -> None:
    touch(root, "audio/fold5/100032-3-0-0.wav", "audio/fold10/7-1-0-0.wav")
    (root / "metadata").mkdir()
    table(
        root / "metadata",
        "slice_file_name,fsID,start,end,salience,fold,classID,class\n"
        "100032-3-0-0.wav,100032,60.5,64.5,1,5,3,dog_bark\n"
        "7-1-0-0.wav,7,0.0,0.317551,1,10,1,car_horn\n",
        "UrbanSound8K.csv",
    )


def fsdd(root: Path) -> None:
    touch(root / "recordings", "7_jackson_4.wav", "7_jackson_5.wav", "0_theo_49.wav")


def speech_commands(root: Path) -> None:
    touch(
        root, "yes/0a7c2a8d_nohash_0.wav", "yes/0a7c2a8d_nohash_1.wav", "no/b5552931_nohash_0.wav"
    )
    touch(root, "_background_noise_/pink_noise.wav")
    (root / "testing_list.txt").write_text("no/b5552931_nohash_0.wav\nno/ffffffff_nohash_0.wav\n")
    (root / "validation_list.txt").write_text("")


def gtzan(root: Path) -> None:
    touch(root, "genres/blues/blues.00000.au", "genres/blues/blues.00012.au")
    touch(root, "genres/rock/rock.00000.au", "genres/pop/pop.00057.au", "genres/pop/mine.au")


def tut_development(root: Path) -> None:
    touch(root, f"{DEVELOPMENT}/audio/b020_90_100.wav", f"{DEVELOPMENT}/audio/a001_0_10.wav")
    lines = "audio/b020_90_100.wav\tbeach\tb020\naudio/a001_0_10.wav\tcafe/restaurant\ta001\n"
    setup = root / DEVELOPMENT / "evaluation_setup"
    setup.mkdir()
    (root / DEVELOPMENT / "meta.txt").write_text(lines)
    for fold in range(1, 5):
        (setup / f"fold{fold}_evaluate.txt").write_text("")
    (setup / "fold3_evaluate.txt").write_text(lines.splitlines()[0] + "\n")
    (setup / "fold4_evaluate.txt").write_text(lines.splitlines()[1] + "\n")


def tut_evaluation(root: Path) -> None:
    touch(root, f"{EVALUATION}/audio/1.wav")
    setup = root / EVALUATION / "evaluation_setup"
    setup.mkdir()
    (setup / "evaluate.txt").write_text("audio/1.wav\tbus\n")
    (setup / "map.txt").write_text("audio/1.wav\taudio/c077_10_20.wav\n")


def tut(root: Path) -> None:
    tut_development(root)
    tut_evaluation(root)


def esc10_folders(root: Path) -> None:
    touch(root, "001 - Dog bark/1-100032-A.ogg", "010 - Fire crackling/5-21-B.ogg", "extra.ogg")


CASES: list[tuple[str, Callable[[Path], None], list[Clip]]] = [
    ("esc50", esc50, [
        Clip("audio/1-100032-A-0.wav", "dog", "", "1", "100032"),
        Clip("audio/2-1-B-14.wav", "chirping_birds", "", "2", "1"),
    ]),
    ("esc10", esc50, [Clip("audio/1-100032-A-0.wav", "dog", "", "1", "100032")]),
    ("esc10", esc10_folders, [
        Clip("001 - Dog bark/1-100032-A.ogg", "dog", "", "1", "100032"),
        Clip("010 - Fire crackling/5-21-B.ogg", "crackling_fire", "", "5", "21"),
    ]),
    ("urbansound8k", urbansound8k, [
        Clip("audio/fold5/100032-3-0-0.wav", "dog_bark", "", "5", "100032"),
        Clip("audio/fold10/7-1-0-0.wav", "car_horn", "", "10", "7"),
    ]),
    ("fsdd", fsdd, [
        Clip("recordings/0_theo_49.wav", "0", "train", "", "theo"),
        Clip("recordings/7_jackson_4.wav", "7", "test", "", "jackson"),
        Clip("recordings/7_jackson_5.wav", "7", "train", "", "jackson"),
    ]),
    ("speech-commands", speech_commands, [
        Clip("no/b5552931_nohash_0.wav", "no", "test", "", "b5552931"),
        Clip("yes/0a7c2a8d_nohash_0.wav", "yes", "train", "", "0a7c2a8d"),
        Clip("yes/0a7c2a8d_nohash_1.wav", "yes", "train", "", "0a7c2a8d"),
    ]),
    ("gtzan", gtzan, [
        Clip("rock/rock.00000.au", "rock", "train"),
        Clip("blues/blues.00000.au", "blues", "valid"),
        Clip("blues/blues.00012.au", "blues", "test"),
    ]),
    ("tut-scenes-2017", tut, [
        Clip(f"{DEVELOPMENT}/audio/b020_90_100.wav", "beach", "train", "3", "b020"),
        Clip(f"{DEVELOPMENT}/audio/a001_0_10.wav", "cafe/restaurant", "train", "4", "a001"),
        Clip(f"{EVALUATION}/audio/1.wav", "bus", "test", "", "c077"),
    ]),
    ("tut-scenes-2017", tut_development, [
        Clip(f"{DEVELOPMENT}/audio/b020_90_100.wav", "beach", "", "3", "b020"),
        Clip(f"{DEVELOPMENT}/audio/a001_0_10.wav", "cafe/restaurant", "", "4", "a001"),
    ]),
]  # fmt: skip


def made(name: str, make: Callable[[Path], None], root: Path) -> Comparison:
    make(root)
    return compare(get_dataset(name), root)


@pytest.mark.parametrize(("name", "make", "clips"), CASES)
def test_a_small_copy(
    tmp_path: Path, name: str, make: Callable[[Path], None], clips: list[Clip]
) -> None:
    found = made(name, make, tmp_path)
    assert found.clips == clips
    assert all((found.root / clip.path).is_file() for clip in clips)
    assert not found.complete


def test_every_data_set_has_a_case() -> None:
    assert {name for name, _, _ in CASES} == set(list_datasets())


@pytest.mark.parametrize("name", list_datasets())
def test_published_counts_add_up(name: str) -> None:
    dataset = get_dataset(name)
    assert dataset.name == name
    expected = dataset.expected
    for counts in (expected.labels, expected.splits, expected.folds):
        assert sum(counts.values()) in (0, expected.n_clips)
    assert expected.labels
    assert dataset.archives or dataset.by_hand
    for archive in dataset.archives:
        assert archive.url.startswith("https://")
        assert archive.file_name.endswith((".zip", ".tar.gz"))
    for said in (dataset.licence, dataset.citation, dataset.home, dataset.label_rule):
        assert said


def test_what_is_missing_and_what_is_more_is_told(tmp_path: Path) -> None:
    found = made("esc50", esc50, tmp_path)
    assert found.missing == ["audio/5-9-A-49.wav"]
    assert found.extra == []
    assert CountDifference("clips", 2000, 2) in found.differences
    assert CountDifference("fold 1", 400, 1) in found.differences
    assert CountDifference("label dog", 40, 1) in found.differences

    touch(tmp_path, "ESC-50-master/audio/mine.wav")
    assert compare(get_dataset("esc50"), tmp_path).extra == ["audio/mine.wav"]


def test_what_is_left_out_on_purpose_is_not_too_much(tmp_path: Path) -> None:
    found = made("speech-commands", speech_commands, tmp_path)
    assert found.left_out == ["_background_noise_/pink_noise.wav"]
    assert found.extra == []
    assert found.missing == ["no/ffffffff_nohash_0.wav"]


def test_gtzan_tells_faulty_tracks_from_strange_ones(tmp_path: Path) -> None:
    found = made("gtzan", gtzan, tmp_path)
    assert found.left_out == ["pop/pop.00057.au"]
    assert found.extra == ["pop/mine.au"]
    assert len(found.missing) == 930 - 3


def test_esc50_without_its_table_is_read_by_its_names(tmp_path: Path) -> None:
    touch(tmp_path, "3-77-A-41.wav", "notes-1.wav", "1-1-A-99.wav")
    found = compare(get_dataset("esc50"), tmp_path)
    assert found.clips == [Clip("3-77-A-41.wav", "chainsaw", "", "3", "77")]
    assert found.extra == ["1-1-A-99.wav", "notes-1.wav"]


def test_one_part_of_tut_is_held_against_its_own_counts(tmp_path: Path) -> None:
    assert made("tut-scenes-2017", tut_evaluation, tmp_path).n_expected == 1620
    inside = compare(get_dataset("tut-scenes-2017"), tmp_path / EVALUATION)
    assert inside.clips == [Clip("audio/1.wav", "bus", "test", "", "c077")]


def published_counts(name: str, recordings: list[str], root: Path) -> Listing:
    """Return what a data set lists, whose counts must be those published."""
    dataset = get_dataset(name)
    listing = dataset.listing(root, recordings)
    assert len(listing.clips) == dataset.expected.n_clips
    for column, counts in (
        ("label", dataset.expected.labels),
        ("split", dataset.expected.splits),
        ("fold", dataset.expected.folds),
    ):
        assert counts_by(listing.clips, column) == dict(sorted(counts.items()))
    return listing


def test_all_of_fsdd(tmp_path: Path) -> None:
    listing = published_counts("fsdd", [], tmp_path)
    assert len({clip.group for clip in listing.clips}) == 6


def test_all_of_gtzan_gives_the_partitions(tmp_path: Path) -> None:
    genres = sorted({clip.label for clip in partition()})
    touch(tmp_path, *(f"genres/{genre}/{genre}.{n:05d}.au" for genre in genres for n in range(100)))
    found = compare(get_dataset("gtzan"), tmp_path)
    assert found.complete
    assert counts_by(found.clips, "split") == {"test": 290, "train": 443, "valid": 197}
    assert len(found.left_out) == 70


def test_all_of_esc50_holds_all_of_esc10(tmp_path: Path) -> None:
    names = [f"audio/{n % 5 + 1}-{n}-A-{kind}.wav" for kind in range(50) for n in range(40)]
    published_counts("esc50", names, tmp_path)
    listing = published_counts("esc10", names, tmp_path)
    assert sum(map(listing.left_out, names)) == 1600


@pytest.mark.parametrize("name", list_datasets())
def test_other_folders_are_refused_with_what_was_expected(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="no such folder"):
        compare(get_dataset(name), tmp_path / "nothing")
    touch(tmp_path, "dogs/a.wav")
    with pytest.raises(DataError):
        compare(get_dataset(name), tmp_path)


@pytest.mark.parametrize(
    ("name", "path"),
    [("esc50", "meta/esc50.csv"), ("urbansound8k", "metadata/UrbanSound8K.csv")],
)
def test_a_table_that_is_not_the_published_one_is_told(
    tmp_path: Path, name: str, path: str
) -> None:
    touch(tmp_path, path, "audio/fold1/1-1-A-1.wav")
    (tmp_path / path).write_text("fold,class\n1,a\n")
    with pytest.raises(DataError, match=r"has the columns fold, class; expected .*name"):
        compare(get_dataset(name), tmp_path)


def test_names_are_taken_as_people_write_them() -> None:
    assert get_dataset("ESC-50").name == "esc50"
    assert get_dataset("Speech_Commands").name == "speech-commands"
    with pytest.raises(UsageError, match="no data set 'esc'; choose from esc10, esc50"):
        get_dataset("esc")


def test_listing_names_imports_no_data_set() -> None:
    script = (
        "import sys\n"
        "from audiotl_cli.dataset.catalog.registry import list_datasets\n"
        "list_datasets()\n"
        "print([name for name in sys.modules if name.endswith(('.gtzan', '.esc50'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    assert done.stdout.strip() == "[]"


# --- GTZAN's partitions --------------------------------------------------------------


def test_gtzan_partitions_have_the_published_sizes() -> None:
    clips = partition()
    assert counts_by(clips, "split") == {"test": 290, "train": 443, "valid": 197}
    assert len({clip.path for clip in clips}) == 930


def test_the_shipped_index_is_the_partition() -> None:
    index = Index.read(REPOSITORY / "data/index/GTZAN/fault_filtered.csv")
    assert list(index.clips) == partition()
    assert index.audio_root == REPOSITORY / "data/audio/gtzan"


def test_gtzan_partitions_are_those_published() -> None:
    with shared("data/gtzan/fault_filtered_partitions.csv").open() as file:
        rows = list(csv.DictReader(file))
    counts = Counter((clip.split, clip.label) for clip in partition())
    assert counts == {(row["split"], row["label"]): int(row["n"]) for row in rows}
    for row in rows:
        first = row["track_numbers"].split()[0].split("-")[0]
        clip = Clip(
            f"{row['label']}/{row['label']}.{int(first):05d}.wav", row["label"], row["split"]
        )
        assert clip in partition()


# --- ESC-10 as it is -----------------------------------------------------------------


def test_real_esc10_has_its_folds_and_no_source_in_two() -> None:
    found = compare(get_dataset("esc10"), shared("data/esc10"))
    assert found.complete
    assert counts_by(found.clips, "fold") == dict.fromkeys("12345", 80)
    assert set(counts_by(found.clips, "label").values()) == {40}
    folds: dict[str, set[str]] = {}
    for clip in found.clips:
        fold, source, _ = Path(clip.path).name.split("-")
        assert (clip.fold, clip.group) == (fold, source)
        folds.setdefault(clip.group, set()).add(clip.fold)
    assert all(len(found) == 1 for found in folds.values())
    assert len(folds) == 304
