from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import pytest

from audiotl_cli import Index
from tests.conftest import LABELS, Run

INDEX = Path("data/index/sounds.csv")
KNOWN = ("00.wav", "01.wav", "06.wav")  # of every label


def truth(path: str) -> str:
    return Path(path).parent.name


@pytest.fixture
def begun(project: Path, sounds: Path, run: Run) -> Path:
    """Return a project in which a few clips have a label."""
    run("index", sounds, "--test-size", 0)
    assert run("extract", "--extractor", "mfcc").code == 0
    lines = INDEX.read_text().splitlines()
    rows = [line.split(",") for line in lines]
    for row in rows[1:]:
        row[1] = row[1] if row[0].endswith(KNOWN) else ""
    INDEX.write_text("".join(",".join(row) + "\n" for row in rows))
    return project


def answer(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_suggestions_are_clips_without_a_label(begun: Path, run: Run) -> None:
    before = INDEX.read_bytes()

    finished = run("label", "--n", 5, "--json")

    assert finished.code == 0
    paths = [suggestion["path"] for suggestion in finished.json]
    assert len(set(paths)) == 5
    assert not any(path.endswith(KNOWN) for path in paths)
    for suggestion in finished.json:
        assert suggestion["guess"] == max(
            suggestion["scores"], key=suggestion["scores"].__getitem__
        )
        assert sorted(suggestion["scores"]) == list(LABELS)
    assert INDEX.read_bytes() == before
    assert run("label", "--n", 5, "--json").json == finished.json
    shown = run("label")
    assert shown.out.count(".wav") == 10
    assert "9 clips are labelled, 15 more can be labelled" in shown.err


def test_a_table_goes_out_and_comes_back_filled_in(begun: Path, run: Run) -> None:
    run("label", "--n", 6, "--output", "todo.csv")
    with Path("todo.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["label"] for row in rows} == {""}
    for row in rows[:4]:
        row["label"] = truth(row["path"])
    with Path("todo.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)

    finished = run("label", "--from", "todo.csv", "--json")

    assert finished.code == 0
    assert finished.json["n_changed"] == 4
    assert finished.json["n_labelled"] == 13
    assert finished.json["n_unlabelled"] == 11
    index = Index.read(INDEX)
    assert all(clip.label in ("", truth(clip.path)) for clip in index.clips)
    assert not {row["path"] for row in rows[:4]} & {
        suggestion["path"] for suggestion in run("label", "--n", 20, "--json").json
    }


def test_a_table_comes_back_from_a_german_spreadsheet(begun: Path, run: Run) -> None:
    run("label", "--n", 2, "--output", "todo.csv")
    header, *rows = csv.reader(Path("todo.csv").read_text(encoding="utf-8-sig").splitlines())
    for row in rows:
        row[header.index("start_s")], row[header.index("label")] = "NaN", "Gr\u00fcnfink"
        row[-1] = row[-1].replace(".", ",")
    lines = ["sep=;", *(";".join(row) for row in [header, *rows])]
    Path("todo.csv").write_bytes("\r\n".join(lines).encode("cp1252"))

    finished = run("label", "--from", "todo.csv")

    assert finished.code == 0, finished.err
    assert "todo.csv is not UTF-8; it is read as Windows-1252" in finished.err
    labels = [row["label"] for row in csv.DictReader(INDEX.read_text("utf-8").splitlines())]
    assert labels.count("Gr\u00fcnfink") == 2


def test_set_changes_and_takes_away(begun: Path, sounds: Path, run: Run) -> None:
    given = ["--set", "rain/rain-03.wav=hail", "--set", f"{sounds}/drum/drum-00.wav="]
    before = INDEX.read_text().splitlines()

    finished = run("label", *given)

    assert finished.code == 0
    assert "2 labels changed" in finished.out
    after = INDEX.read_text().splitlines()
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert [a.replace(",,", ",hail,", 1) if "rain" in a else "" for a, _ in changed][-1] == (
        changed[-1][1]
    )
    assert len(changed) == 2
    again = run("index", sounds)
    assert again.code == 2
    assert "somebody edited" in again.err


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["--set", "rain-03.wav"], 2, "expected FILE=LABEL"),
        (["--set", "no.wav=x", "--set", "rain/rain-03.wav=x"], 3, "no.wav is no clip of"),
        (["--set", "rain/rain-03.wav=x", "--set", "rain/rain-03.wav=y"], 3, "labelled 'x' before"),
        (["--from", "no.csv"], 3, "no.csv: no such file"),
        (["--from", "bad.csv"], 3, "expected path and label"),
        (["--from", "unknown.csv"], 3, "unknown.csv, line 3: z.wav is no clip of"),
        (["--set", "rain/rain-03.wav=x", "--n", "3"], 2, "--n with --set or --from"),
        (["--ask", "--json"], 2, "--json with --ask"),
        (["--classifier", "oracle"], 2, "oracle"),
    ],
)
def test_wrong_answers_write_nothing(
    begun: Path, run: Run, args: list[str], code: int, message: str
) -> None:
    Path("bad.csv").write_text("file,label\n")
    Path("unknown.csv").write_text("path,label\nrain/rain-03.wav,x\nz.wav,y\n")
    before = INDEX.read_bytes()

    finished = run("label", *args)

    assert finished.code == code
    assert message in finished.err
    assert INDEX.read_bytes() == before


def test_answers_are_saved_one_by_one(
    begun: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third, fourth, *_ = run("label", "--json").json
    answer(monkeypatch, "", "9", "2", "s", "hail", "n", "hail", "y", "q")

    finished = run("label", "--ask")

    assert finished.code == 0
    labels = {str(Index.read(INDEX).audio_root / c.path): c.label for c in Index.read(INDEX).clips}
    assert labels[first["path"]] == first["guess"]
    assert labels[second["path"]] == LABELS[1]
    assert labels[third["path"]] == ""
    assert labels[fourth["path"]] == "hail"
    assert "expected a label, 1 to 3, or a key; type ? to list the keys" in finished.out
    assert f"3 labels written to {INDEX}" in finished.out
    assert "Next: audiotl train" in finished.err


def test_an_interrupt_loses_no_answer(
    begun: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, "1", "2")
    read = sys.stdin.readline

    def interrupted() -> str:
        if line := read():
            return line
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.stdin, "readline", interrupted)

    finished = run("label", "--ask")

    assert finished.code == 130
    assert "the same command continues where it stopped" in finished.err
    assert sum(bool(clip.label) for clip in Index.read(INDEX).clips) == 11


def test_from_nothing_to_everything(begun: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = INDEX.read_text().splitlines()
    rows = [line.split(",") for line in lines]
    for row in rows[1:]:
        row[1] = ""
    INDEX.write_text("".join(",".join(row) + "\n" for row in rows))
    assert run("train").code == 3
    (suggestion, *_) = run("label", "--json").json
    assert suggestion["guess"] is None
    asked: list[str] = []

    def answer_question(question: str) -> str:
        return "y" if "new label" in question else truth(asked[-1])

    def line(text: object, style: object = None) -> None:
        if str(text).endswith(".wav"):
            asked.append(str(text).split("  ", 1)[1])

    monkeypatch.setattr("audiotl_cli.cli.terminal.read_line", answer_question)
    monkeypatch.setattr("audiotl_cli.cli.ask.output.line", line)

    finished = run("label", "--ask", "--n", 4)

    assert finished.code == 0
    assert len(asked) == 24
    assert all(clip.label == truth(clip.path) for clip in Index.read(INDEX).clips)
    assert {truth(path) for path in asked[:4]} == set(LABELS)


def test_clips_to_test_on_are_drawn_at_random(begun: Path, run: Run) -> None:
    rows = [line.split(",") for line in INDEX.read_text().splitlines()]
    for row in rows[1:]:
        row[2] = "test" if row[0].endswith(("03.wav", "04.wav")) else "train"
    INDEX.write_text("".join(",".join(row) + "\n" for row in rows))

    suggestions = run("label", "--split", "test", "--json").json
    other = run("label", "--split", "test", "--seed", 1, "--json").json

    paths = [found["path"] for found in suggestions]
    assert len(paths) == 6
    assert all(path.endswith(("03.wav", "04.wav")) for path in paths)
    assert sorted(paths) == sorted(found["path"] for found in other)
    assert paths != [found["path"] for found in other]
    assert suggestions[0]["guess"] in LABELS


def test_train_and_evaluate_say_how_many_have_no_label(begun: Path, run: Run) -> None:
    trained = run("train", "--json")
    tested = run("evaluate", "--cv", 2, "--json")

    assert trained.json["n_clips"] == 9
    assert tested.json["n_clips"] == 9
    for finished in (trained, tested):
        assert "15 of 24 clips have no label and are left out" in finished.err


def test_clips_without_features_are_counted(begun: Path, sounds: Path, run: Run) -> None:
    with INDEX.open("a") as file:
        file.write("new.wav,,train\n")

    finished = run("label", "--n", 3)

    assert finished.code == 0
    assert "1 unlabelled clips have no features" in finished.err
