"""UrbanSound8K."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from audiotl_cli.dataset.catalog.base import Archive, DataSet, Expected, Listing
from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.rows import read_rows

TABLE = "metadata/UrbanSound8K.csv"


def _listing(root: Path, recordings: Sequence[str]) -> Listing:
    # its start and end are those in the recording that a clip was cut from
    rows = read_rows(root / TABLE).cells("slice_file_name", "fsID", "fold", "class")
    clips = [
        Clip(
            f"audio/fold{row['fold']}/{row['slice_file_name']}",
            label=row["class"],
            fold=row["fold"],
            group=row["fsID"],
        )
        for row in rows
    ]
    return Listing(clips)


DATASET = DataSet(
    name="urbansound8k",
    title="UrbanSound8K",
    summary="sounds of the street, up to 4 s",
    licence="CC BY-NC 4.0",
    citation="J. Salamon, C. Jacoby and J. P. Bello (2014). A dataset and taxonomy for urban "
    "sound research. Proceedings of the 22nd ACM International Conference on Multimedia",
    home="https://urbansounddataset.weebly.com/urbansound8k.html",
    archives=(
        Archive(
            "https://zenodo.org/records/1203745/files/UrbanSound8K.tar.gz",
            "md5:9aa69802bbf37fb986f71ec1483a196e",
            size=6_000_000_000,
        ),
    ),
    by_hand="",
    expected=Expected(
        n_clips=8732,
        labels={
            "air_conditioner": 1000, "car_horn": 429, "children_playing": 1000, "dog_bark": 1000,
            "drilling": 1000, "engine_idling": 1000, "gun_shot": 374, "jackhammer": 1000,
            "siren": 929, "street_music": 1000,
        },
        folds={
            "1": 873, "2": 888, "3": 925, "4": 990, "5": 936, "6": 823, "7": 838, "8": 806,
            "9": 816, "10": 837,
        },
    ),
    label_rule="the column class of metadata/UrbanSound8K.csv",
    group_rule="the Freesound recording a clip was cut from (fsID)",
    split_rule="ten folds, not to be dealt anew",
    markers=(TABLE,),
    listing=_listing,
    recognised=True,
)  # fmt: skip
