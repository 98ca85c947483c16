"""What file names tell of speakers, patients and sites goes with every score."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.faults import scene, write

PATIENTS = {"neg": (83, 84, 85, 86), "pos": (91, 92, 93, 94)}


@pytest.fixture
def coughs(project: Path) -> Path:
    """Four coughs of each of eight patients, whose age and sex are in the names as well."""
    folder = project / "coughs"
    for label, patients in PATIENTS.items():
        for patient in patients:
            for take in range(4):
                about = f"{label}-0421-{patient:03d}-cough-{'mf'[patient % 2]}-{patient - 40}"
                write(folder / label / f"{about}-{take}.wav", scene(patient * 10 + take, 0.6))
    return folder


def test_index_suggests_an_expression_that_can_be_used(coughs: Path, run: Run) -> None:
    warned = run("index", coughs, "--no-audit", "--json")

    suspected = warned.json["suspected_groups"]
    assert (suspected["n_groups"], suspected["n_clips"]) == (8, 32)
    assert f"--group-regex '{suspected['expression']}'" in warned.err
    assert "32 of 32 file names suggest 8 sources" in warned.json["warnings"][-1]

    followed = run(
        "index", coughs, "--no-audit", "--group-regex", suspected["expression"], "--json"
    )
    assert followed.json["suspected_groups"] is None
    assert followed.json["warnings"] == []
    rows = Path("data/index/coughs.csv").read_text().splitlines()[2:]
    assert {row.split(",")[4] for row in rows} == {
        f"{n:03d}" for ns in PATIENTS.values() for n in ns
    }


def test_the_doubt_goes_with_the_score_the_page_and_the_card(coughs: Path, run: Run) -> None:
    run("index", coughs, "--no-audit")
    run("extract", "--extractor", "mfcc")
    trained = run("train", "--json")
    shown = run("evaluate", "--report", "report")

    doubt = "file names suggest 8 sources (speakers, patients, sites, ...), such as"
    assert doubt in trained.json["suspected_groups"]["warning"]
    assert doubt in shown.out
    assert "clips of one source are" in " ".join(shown.out.split())  # as the features show
    report = json.loads(Path("report/report.json").read_text())
    assert report["suspected_groups"]["n_groups"] == 8
    assert doubt in report["warnings"][-1]
    assert doubt.replace("file", "File") in Path("report/report.html").read_text()
    card = Path(trained.json["model"]).with_suffix(".md").read_text()
    assert "File names suggest 8 sources" in card

    assert run("evaluate", "--cv", "4", "--json").json["suspected_groups"]["n_divided"] == 8


def test_what_any_split_may_divide_is_said_as_such(coughs: Path, run: Run) -> None:
    suspected = run("index", coughs, "--no-audit", "--test-size", 0, "--json").json[
        "suspected_groups"
    ]
    assert suspected["n_divided"] == 0
    assert "any split may divide them" in suspected["warning"]


def test_there_is_no_doubt_where_groups_are_kept_apart(coughs: Path, run: Run) -> None:
    run("index", coughs, "--no-audit", "--group-regex", r"-(\d+)-cough")
    run("extract", "--extractor", "mfcc")

    assert run("train", "--json").json["suspected_groups"] is None
    assert run("evaluate", "--json").json["suspected_groups"] is None


def test_the_sounds_of_the_demo_suggest_nothing(project: Path, sounds: Path, run: Run) -> None:
    finished = run("index", sounds, "--json")

    assert finished.json["suspected_groups"] is None
    assert finished.json["warnings"] == []
