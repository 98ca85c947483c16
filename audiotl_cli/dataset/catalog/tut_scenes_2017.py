"""TUT Acoustic Scenes 2017, development and evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from audiotl_cli.dataset.catalog.base import Archive, DataSet, Expected, Listing
from audiotl_cli.dataset.index import Clip
from audiotl_cli.errors import DataError
from audiotl_cli.files import SMALL, read_regular

DEVELOPMENT = "TUT-acoustic-scenes-2017-development"
EVALUATION = "TUT-acoustic-scenes-2017-evaluation"

SCENES = (
    "beach", "bus", "cafe/restaurant", "car", "city_center", "forest_path", "grocery_store",
    "home", "library", "metro_station", "office", "park", "residential_area", "train", "tram",
)  # fmt: skip

_DEV_URL = f"https://zenodo.org/records/400515/files/{DEVELOPMENT}"
_EVAL_URL = f"https://zenodo.org/records/1040168/files/{EVALUATION}"
_AUDIO = {
    _DEV_URL: (
        ("251325a9afaaad0326ad1c57f57d514a", 1_071_445_248),
        ("c26861e05147dc319b4250eb103d9d99", 1_073_453_613),
        ("a4815775f8a5e629179726ee4cd4f55a", 1_073_077_819),
        ("1732b03afe8c53ef8bba80ba14766e57", 1_072_822_038),
        ("611be754a0c951185c6ae4b7643c19a0", 1_072_644_652),
        ("165a201db800d3ea76fce5a9c2bd97d7", 1_072_667_888),
        ("c7d79db84264401c0f8680dcc36013ad", 1_073_417_661),
        ("35043f25123439392338c790494c7a19", 1_072_381_222),
        ("0805dcf5d8e6871dc9610182b2efb93a", 1_072_087_738),
        ("5df83a191295a04e290b125c634e13e7", 1_046_262_120),
    ),
    _EVAL_URL: (
        ("5d97dea8461baec8027ae4a0c2b18d4b", 1_071_856_687),
        ("4085ef5fa286f2169074993a4e405953", 1_073_362_972),
        ("cac432579e7cf2dff0aec7aaed248956", 1_071_521_152),
        ("664bf09c3d24bd26c6b587f1d709de36", 382_756_463),
    ),
}


PARTS = {
    DEVELOPMENT: Expected(n_clips=4680, labels=dict.fromkeys(SCENES, 312)),
    EVALUATION: Expected(n_clips=1620, labels=dict.fromkeys(SCENES, 108)),
}


def _listing(root: Path, recordings: Sequence[str]) -> Listing:
    here = [folder for folder in PARTS if (root / folder).is_dir()]
    if len(here) == len(PARTS):
        return Listing([*_development(root, DEVELOPMENT, "train"), *_evaluation(root, EVALUATION)])
    if not here:  # the folder is one of the two itself
        is_development = (root / "evaluation_setup" / "fold1_evaluate.txt").is_file()
        part, folder = (DEVELOPMENT if is_development else EVALUATION), ""
    else:
        part = folder = here[0]
    clips = _development(root, folder) if part == DEVELOPMENT else _evaluation(root, folder)
    return Listing(clips, expected=PARTS[part])


def _development(root: Path, folder: str, split: str = "") -> list[Clip]:
    setup = root / folder / "evaluation_setup"
    fold_of = {
        row[0]: str(fold)
        for fold in range(1, 5)
        for row in _lines(setup / f"fold{fold}_evaluate.txt")
    }
    rows = _lines(root / folder / "meta.txt")
    return [
        Clip(_join(folder, path), label, split, fold_of.get(path, ""), place)
        for path, label, place in ((row[0], row[1], _place(row[0])) for row in rows)
    ]


def _evaluation(root: Path, folder: str) -> list[Clip]:
    setup = root / folder / "evaluation_setup"
    # the names of its files tell nothing; where a map of them is given, places are known
    names = setup / "map.txt"
    place_of = {row[0]: _place(row[1]) for row in _lines(names)} if names.is_file() else {}
    rows = _lines(setup / "evaluate.txt")
    return [
        Clip(_join(folder, row[0]), row[1], "test", group=place_of.get(row[0], "")) for row in rows
    ]


def _place(path: str) -> str:
    """Return where a recording was made: b020 of ``audio/b020_90_100.wav``."""
    return PurePosixPath(path).name.partition("_")[0]


def _join(folder: str, path: str) -> str:
    return str(PurePosixPath(folder) / path)


def _lines(path: Path) -> list[list[str]]:
    try:
        lines = read_regular(path, 64 * SMALL).decode("utf-8", "replace").splitlines()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}); it is in the archive whose name ends in "
            ".meta.zip"
        ) from error
    rows = [line.split("\t") for line in lines if line.strip()]
    if any(len(row) < 2 for row in rows):
        raise DataError(f"{path} is not as published: expected a path and a label, with a tab")
    return rows


DATASET = DataSet(
    name="tut-scenes-2017",
    title="TUT Acoustic Scenes 2017",
    summary="places such as bus or park, 10 s",
    licence="non-commercial (EULA)",
    citation="A. Mesaros, T. Heittola and T. Virtanen (2016). TUT database for acoustic scene "
    "classification and sound event detection. EUSIPCO 2016",
    home="https://zenodo.org/records/400515 and https://zenodo.org/records/1040168",
    archives=(
        Archive(f"{_DEV_URL}.meta.zip", "md5:9007fd4772d816590c5db5f5e9568f5d", 104_321),
        Archive(f"{_EVAL_URL}.meta.zip", "md5:e006cfec14a49dd79a6ab8f8d5b1c5e6", 4473),
        *(
            Archive(f"{url}.audio.{number}.zip", f"md5:{md5}", size)
            for url, parts in _AUDIO.items()
            for number, (md5, size) in enumerate(parts, start=1)
        ),
    ),
    by_hand="",
    expected=Expected(
        n_clips=6300,
        labels=dict.fromkeys(SCENES, 420),
        splits={"train": 4680, "test": 1620},
    ),
    label_rule="the second column of meta.txt and evaluate.txt",
    group_rule="the place, in the file name: b020_90_100.wav",
    split_rule="development is for training, in four folds; evaluation is the test; either "
    "will do alone",
    markers=(DEVELOPMENT, EVALUATION, "evaluation_setup"),
    listing=_listing,
    recognised=True,
)
