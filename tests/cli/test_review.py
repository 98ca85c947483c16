from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audiotl_cli.errors import DataError
from audiotl_cli.review.verdicts import (
    PrecisionCount,
    VerifiedClip,
    precision_counts,
    read_all_verdicts,
    read_verdicts,
    verified_clips,
)
from audiotl_cli.workflows.review import Review, ReviewRequest
from tests.cli.test_cut import recording, save
from tests.cli.test_terminal import Screen
from tests.conftest import Run

TABLE = Path("found.verdicts.csv")
QUESTION = re.compile(r"verdict \[right\]: $")
EVENTS = [
    ("night.wav", 0.5, 1.0, "owl", 0.9),
    ("night.wav", 2.25, 3.0, "owl", 0.6),
    ("night.wav", 5.0, 6.0, "rain", 0.7),
    ("a=b:c.wav", 1.0, 2.0, "x=right:y", 0.8),
]


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    recording("night.wav")
    return save(EVENTS)


@pytest.fixture
def screen() -> Iterator[Callable[..., Screen]]:
    opened: list[Screen] = []

    def open_screen(*args: object) -> Screen:
        opened.append(Screen(*args))
        return opened[-1]

    yield open_screen
    for terminal in opened:
        terminal.close()


def answer(terminal: Screen, text: str) -> str:
    before = terminal.until(QUESTION)
    terminal.type(f"{text}\n")
    return before


def verdicts() -> dict[tuple[float, str], tuple[str, str]]:
    return {
        (verdict.start_s, verdict.label): (verdict.verdict, verdict.correct_label)
        for verdict in read_verdicts([TABLE]).values()
    }


def test_verdicts_are_written_without_a_terminal_and_counted(found: Path, run: Run) -> None:
    sets = (
        "night.wav:0.5:owl=right",
        "night.wav:2.25:owl=other:rain",
        "night.wav:5:rain=unsure",
        "a=b:c.wav:1:x=right:y=wrong",
    )

    finished = run("review", found, "--json", *(part for text in sets for part in ("--set", text)))

    assert finished.code == 0
    assert finished.json["n_written"] == finished.json["n_judged"] == 4
    assert finished.json["missing"] == {"a=b:c.wav": 1}
    assert finished.json["labels"]["owl"] == {"right": 1, "wrong": 0, "other": 1, "unsure": 0}
    read = read_verdicts([TABLE])
    assert precision_counts(read) == {
        "owl": PrecisionCount(1, 1, 0),
        "rain": PrecisionCount(0, 0, 1),
        "x=right:y": PrecisionCount(0, 1, 0),
    }
    assert verified_clips(read) == [
        VerifiedClip("a=b:c.wav", 1.0, 2.0, "", "x=right:y"),
        VerifiedClip("night.wav", 0.5, 1.0, "owl"),
        VerifiedClip("night.wav", 2.25, 3.0, "rain", "owl"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "night.wav:0.5:owl",
        "night.wav:0.5:owl=maybe",
        "night.wav:0.7:owl=right",
        "x=other:",
        "=wrong",
    ],
)
def test_a_wrong_answer_is_refused_before_any_is_written(found: Path, run: Run, text: str) -> None:
    finished = run("review", found, "--set", "night.wav:0.5:owl=right", "--set", text)

    assert finished.code == 2
    assert not TABLE.exists()


def test_without_a_terminal_it_says_what_to_do(found: Path, run: Run) -> None:
    finished = run("review", found)

    assert finished.code == 2
    assert "--set" in finished.err
    assert not TABLE.exists()


def test_the_latest_verdict_counts_and_tables_are_merged(found: Path, run: Run) -> None:
    one, two = "one.verdicts.csv", "two.verdicts.csv"
    run("review", found, "--verdicts", one, "--set", "night.wav:0.5:owl=right")
    run("review", found, "--verdicts", two, "--set", "night.wav:0.5:owl=wrong")
    run("review", found, "--verdicts", two, "--set", "night.wav:5:rain=right")

    for order in ([one, two], [two, one]):
        read = read_verdicts([Path(name) for name in order])
        assert [verdict.verdict for verdict in read.values()] == ["wrong", "right"]
    merged = [run("review", found, "--from", name, "--json").json for name in (two, one, two)]

    assert [value["n_written"] for value in merged] == [2, 1, 0]
    assert verdicts() == {(0.5, "owl"): ("wrong", ""), (5.0, "rain"): ("right", "")}


def test_a_table_that_somebody_made_is_merged_once(found: Path, run: Run) -> None:
    Path("mine.csv").write_text("path,start_s,end_s,label,verdict\nnight.wav,0.5,1,owl,wrong\n")

    first, second = (
        run("review", found, "--from", "mine.csv", "--reviewer", "Ada", "--json").json
        for _ in range(2)
    )

    assert (first["n_written"], second["n_judged"]) == (1, 1)
    (row,) = read_all_verdicts([TABLE])[:1]
    assert (row.reviewer, bool(row.time)) == ("Ada", True)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("night.wav,0.5,1,owl,1,maybe,,,,", "line 2: the verdict is 'maybe'"),
        ("night.wav,0.5,1,owl,1,other,,,,", "line 2: .* correct_label"),
        ("night.wav,x,1,owl,1,right,,,,", "line 2: start_s"),
        ("night.wav,0.5,1,owl,1,right,,,,noon", "line 2: time"),
    ],
)
def test_a_bad_verdict_is_named_with_its_line(found: Path, row: str, said: str) -> None:
    header = "path,start_s,end_s,label,score,verdict,correct_label,note,reviewer,time"
    TABLE.write_text(f"{header}\n{row}\n")

    with pytest.raises(DataError, match=said):
        read_verdicts([TABLE])


def test_another_table_is_never_written_to(found: Path, run: Run) -> None:
    TABLE.write_text("mine\n1\n")

    finished = run("review", found, "--set", "night.wav:0.5:owl=right")

    assert finished.code == 3
    assert TABLE.read_text() == "mine\n1\n"


def test_undo_brings_back_the_verdict_of_another_reviewer(found: Path) -> None:
    ada, bob = (Review(ReviewRequest([found], reviewer=name)) for name in ("Ada", "Bob"))
    detection = ada.queue()[0]
    ada.judge(detection, "right")
    bob.judge(detection, "wrong")

    undone = bob.undo()

    assert undone is not None
    assert undone.verdict == "wrong"
    assert [verdict.reviewer for verdict in read_verdicts([TABLE]).values()] == ["Ada"]
    assert bob.undo() is None


def test_the_queue_takes_labels_in_turn_and_is_the_same_when_it_goes_on(found: Path) -> None:
    request = ReviewRequest([found], limit=3)
    first = Review(request).queue()
    assert sorted(detection.label for detection in first) == ["owl", "rain", "x=right:y"]

    Review(request).judge(first[1], "right")

    assert Review(request).queue() == [first[0], first[2]]


JUDGE = """
import sys
from pathlib import Path
from audiotl_cli.workflows.review import Review, ReviewRequest
review = Review(ReviewRequest([Path("many.json")], reviewer=sys.argv[1]))
for detection in review.chosen[int(sys.argv[2])::2]:
    review.judge(detection, "right", note=sys.argv[1] * 100)
"""


def test_two_reviewers_at_once_lose_no_verdict(found: Path) -> None:
    save([("night.wav", i / 10, i / 10 + 0.05, "owl", 0.5) for i in range(80)], "many.json")

    started = [
        subprocess.Popen([sys.executable, "-c", JUDGE, name, str(at)])
        for at, name in enumerate(("Ada", "Bob"))
    ]
    assert [process.wait(timeout=120) for process in started] == [0, 0]

    rows = read_all_verdicts([Path("many.verdicts.csv")])
    assert len(rows) == 80
    assert {row.reviewer for row in rows} == {"Ada", "Bob"}
    assert {row.note for row in rows} == {"Ada" * 100, "Bob" * 100}


def test_a_person_judges_in_a_terminal_and_goes_on_later(
    found: Path, screen: Callable[..., Screen]
) -> None:
    terminal = screen("review", found, "--select", "best", "--label", "owl", "--label", "rain")

    assert "night.wav:0.5-1" in answer(terminal, "")
    assert "saved: right" in (shown := answer(terminal, "owl"))
    assert "night.wav:5-6" in shown
    assert "saved: other label, owl" in (shown := answer(terminal, "u"))
    assert "night.wav:2.25-3" in shown
    assert "undone: other" in answer(terminal, "n")
    terminal.until("note: ")
    terminal.type("hail, I think\n")
    answer(terminal, "x")
    answer(terminal, "?")
    assert re.search(r"^   p +play", answer(terminal, "q"), re.MULTILINE)
    assert terminal.end() == 0
    assert "2 verdicts written to found.verdicts.csv" in terminal.text
    assert verdicts() == {(0.5, "owl"): ("right", ""), (5.0, "rain"): ("unsure", "")}
    with TABLE.open(newline="") as file:
        assert [row["note"] for row in csv.DictReader(file)][-1] == "hail, I think"

    again = screen("review", found, "--label", "owl", "--label", "rain")
    assert "2 of 3 detections have a verdict" in (shown := answer(again, "w"))
    assert "night.wav:2.25-3" in shown
    again.until("No detection is left")
    assert again.end() == 0
    assert verdicts()[2.25, "owl"] == ("wrong", "")


@pytest.mark.parametrize(("key", "code"), [("\x03", 130), ("\x04", 0)])
def test_leaving_keeps_what_was_judged(
    found: Path, screen: Callable[..., Screen], key: str, code: int
) -> None:
    terminal = screen("review", found, "--label", "owl")
    answer(terminal, "w")
    terminal.until(QUESTION)
    terminal.type(key)

    assert terminal.end() == code
    assert [verdict for verdict, _ in verdicts().values()] == ["wrong"]
