"""Which network ``audiotl extract`` takes where none is named, with networks of this file."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiotl_cli.audio.types import Waveform
from audiotl_cli.cli import choose_network as shown
from audiotl_cli.errors import FetchError
from audiotl_cli.extractors import candidates, registry
from audiotl_cli.extractors.base import Patches
from audiotl_cli.extractors.mfcc import MfccExtractor
from audiotl_cli.extractors.weights import PublishedFile, WeightSource
from audiotl_cli.network import check_reachable
from audiotl_cli.workflows import choose_network as workflow
from audiotl_cli.workflows import project_network
from tests.conftest import LABELS, Run

CHOICE = Path("data/network.json")


class Deaf(MfccExtractor):
    """Gives the same frames for all sounds."""

    name = "deaf"
    front_end_in_worker = False

    def front_end(self, segment: Waveform) -> Patches:
        return np.zeros_like(super().front_end(segment))


class Sharp(MfccExtractor):
    """As good as MFCC."""

    name = "sharp"
    front_end_in_worker = False


class Far(Sharp):
    """Has weights that are not here."""

    name = "far"
    url = ""

    @classmethod
    def weights_files(cls, layer: str | None = None) -> tuple[WeightSource, ...]:
        return (PublishedFile("far", cls.url, "", 10, "MIT", "Someone, 2026", file_name="far"),)


@pytest.fixture(autouse=True)
def networks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for kind in (Deaf, Sharp, Far):
        where = f"{__name__}:{kind.__name__}"
        monkeypatch.setitem(registry.BUILT_IN, kind.name, where)
    for name in ("AUDIOTL_OFFLINE", "AUDIOTL_MIRROR", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("AUDIOTL_CACHE", str(tmp_path / "cache"))
    registry.entries_by_name.cache_clear()
    compare(monkeypatch, "deaf", "sharp", "mfcc")
    yield
    registry.entries_by_name.cache_clear()


def compare(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(candidates, "CANDIDATES", names)
    monkeypatch.setattr(workflow, "CANDIDATES", names)


@pytest.fixture
def indexed(project: Path, sounds: Path, run: Run) -> Path:
    assert run("index", sounds).code == 0
    return project


@pytest.fixture
def closed_port() -> str:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{server.getsockname()[1]}/far"


def without_seconds(choice: dict[str, Any]) -> dict[str, Any]:
    for tried in choice["tried"]:
        del tried["s_per_clip"]
    return choice


def test_the_best_is_taken_and_remembered(indexed: Path, run: Run) -> None:
    first = run("extract", "--json")
    second = run("extract", "--json")

    assert "Network sharp: balanced accuracy" in first.err
    assert "where mfcc has" in first.err
    assert first.json["store"].startswith("data/features/sharp-")
    assert first.json["n_added"] == 24 - 18  # the training clips are there already
    choice = first.json["choice"]
    assert choice["extractor"] == "sharp"
    assert [tried["extractor"] for tried in choice["tried"]] == ["sharp", "mfcc", "deaf"]
    assert choice["tried"][0]["balanced_accuracy"] > choice["tried"][2]["balanced_accuracy"]
    assert {tried["n_clips"] for tried in choice["tried"]} == {18}
    assert all(tried["s_per_clip"] > 0 for tried in choice["tried"])
    assert json.loads(CHOICE.read_text())["extractor"] == "sharp"

    assert "Network" not in second.err
    assert second.json["choice"]["extractor"] == "sharp"
    assert second.json["n_added"] == 0


def test_the_commands_after_it_take_what_it_made(indexed: Path, run: Run, new: Path) -> None:
    for args in (("extract",), ("train", "--classifier", "svm"), ("evaluate",)):
        assert run(*args).code == 0
    assert run("evaluate", "--json").json["n_clips"] == 6
    assert run("predict", new / "rain.wav", "--json").json[0]["label"] in LABELS


def test_the_same_index_gives_the_same_choice(
    project: Path, sounds: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    choices = []
    for name in ("one", "two"):
        (project / name).mkdir()
        monkeypatch.chdir(project / name)
        run("index", sounds)
        choices.append(run("extract", "--extractor", "auto", "--json").json["choice"])
        again = run("extract", "--extractor", "auto", "--json").json["choice"]
        assert all(tried["s_per_clip"] is None for tried in again["tried"])  # all are stored
        assert without_seconds(again) == without_seconds(choices[-1])

    assert choices[0] == choices[1]


def test_auto_shows_a_table_and_what_is_not_considered(indexed: Path, run: Run) -> None:
    finished = run("extract", "--extractor", "auto")

    assert "balanced accuracy" in finished.out
    for name in ("sharp", "mfcc", "deaf"):
        assert f"\n {name} " in finished.out
    assert (
        "Not compared unless named: birdnet (CC BY-NC-SA 4.0, not a free licence)" in finished.out
    )
    assert "audiotl extract --extractor auto --extractor NAME" in finished.out


def test_a_network_that_is_named_takes_part(
    indexed: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare(monkeypatch, "deaf")

    choice = run("extract", "--extractor", "auto", "--extractor", "sharp", "--json").json["choice"]

    assert choice["extractor"] == "sharp"
    assert [tried["extractor"] for tried in choice["tried"]] == ["sharp", "deaf"]


def test_a_licence_must_be_accepted_before_a_named_network_takes_part(
    indexed: Path, run: Run
) -> None:
    finished = run("extract", "--extractor", "auto", "--extractor", "birdnet")

    assert finished.code == 4
    assert "--accept-licence" in finished.err
    assert not CHOICE.exists()


def test_a_network_that_is_named_alone_is_not_remembered(indexed: Path, run: Run) -> None:
    run("extract", "--extractor", "deaf")
    assert not CHOICE.exists()
    run("extract")
    before = CHOICE.read_bytes()
    run("extract", "--extractor", "deaf")

    assert CHOICE.read_bytes() == before
    assert "sharp" in run("extract", "--json").json["store"]


def test_what_is_out_of_reach_is_left_out_once(
    indexed: Path, run: Run, monkeypatch: pytest.MonkeyPatch, closed_port: str
) -> None:
    compare(monkeypatch, "far", "sharp", "mfcc")
    monkeypatch.setattr(Far, "url", closed_port)

    first = run("extract", "--json")
    monkeypatch.setattr(candidates, "check_reachable", lambda url: pytest.fail("asked again"))
    second = run("extract")

    assert first.code == second.code == 0
    assert f"Could not be compared: far ({closed_port} could not be fetched" in first.err
    assert "audiotl extract --extractor auto" in first.err
    assert first.json["choice"]["extractor"] == "sharp"
    assert list(first.json["choice"]["left_out"]) == ["far"]
    assert "far" not in second.err


def test_a_server_that_does_not_answer_is_given_up_soon() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/far"
        with pytest.raises(FetchError, match=r"no answer within 0\.2 s"):
            check_reachable(url, within_s=0.2)


def test_offline_nothing_is_asked(
    indexed: Path, run: Run, monkeypatch: pytest.MonkeyPatch, closed_port: str
) -> None:
    compare(monkeypatch, "far", "sharp", "mfcc")
    monkeypatch.setattr(Far, "url", closed_port)
    monkeypatch.setenv("AUDIOTL_OFFLINE", "1")
    monkeypatch.setattr(candidates, "check_reachable", lambda url: pytest.fail("asked"))

    finished = run("extract", "--json")

    assert finished.json["choice"]["extractor"] == "sharp"
    assert "AUDIOTL_OFFLINE" in finished.json["choice"]["left_out"]["far"]


def test_the_baseline_is_not_taken_where_no_network_is_at_hand(
    indexed: Path, run: Run, monkeypatch: pytest.MonkeyPatch, closed_port: str
) -> None:
    compare(monkeypatch, "far", "mfcc")
    monkeypatch.setattr(Far, "url", closed_port)

    finished = run("extract")

    assert finished.code == 4
    assert closed_port in finished.err
    assert not CHOICE.exists()


@pytest.mark.parametrize("n_labels", [0, 1])
def test_a_rule_decides_where_there_is_nothing_to_compare_by(
    project: Path, sounds: Path, run: Run, n_labels: int
) -> None:
    labels = sorted(path.name for path in sounds.iterdir())[: max(n_labels, 1)]
    for label in labels:
        shutil.copytree(sounds / label, project / "few" / (label if n_labels else "."))
    run("index", "few")

    finished = run("extract", "--json")

    assert finished.json["choice"]["extractor"] == "deaf"  # the first of the candidates
    assert finished.json["choice"]["tried"] == []
    assert "best for most sounds; there are not two labels" in finished.err


def test_short_clips_of_a_low_rate_are_like_words(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    import soundfile

    compare(monkeypatch, "deaf", "speech")
    monkeypatch.setattr(Sharp, "name", "speech")
    monkeypatch.setitem(registry.BUILT_IN, "speech", f"{__name__}:Sharp")
    registry.entries_by_name.cache_clear()
    Path("words").mkdir()
    soundfile.write("words/one.wav", np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000)
    run("index", "words")

    finished = run("extract", "--json")

    assert finished.json["choice"]["extractor"] == "speech"
    assert "clips of 1.0 s at 16 kHz are like words" in finished.err


def test_a_layer_without_a_network_is_the_former_defaults(
    indexed: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_network, "FORMER_DEFAULT", "mfcc")

    assert run("extract", "--layer", "statistics", "--json").json["choice"]["extractor"] == "mfcc"
    assert not CHOICE.exists()


def test_a_project_with_features_of_the_former_default_keeps_it(
    indexed: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_network, "FORMER_DEFAULT", "deaf")
    monkeypatch.setattr(project_network, "MOST_CLIPS", 20)
    run("extract", "--extractor", "deaf")

    finished = run("extract", "--json")

    assert finished.json["choice"]["extractor"] == "deaf"
    assert "To compare it with others: audiotl extract --extractor auto" in finished.err


def test_clips_of_another_index_are_embedded_with_the_networks_of_the_project(
    indexed: Path, run: Run, new: Path
) -> None:
    run("extract")

    index = run("index", new, "--name", "new", "--labels-from", "filename")
    finished = run("extract", "--json")

    assert "sharp" in finished.json["store"]
    assert "Network sharp, chosen for sounds.csv" in finished.err
    assert index.code == 0


def test_a_damaged_choice_is_reported(indexed: Path, run: Run) -> None:
    CHOICE.write_text('{"extractor": 3}')

    finished = run("extract")

    assert finished.code == 3
    assert "data/network.json is damaged ('extractor' is an integer" in finished.err


def test_an_edited_choice_is_followed_and_kept(indexed: Path, run: Run) -> None:
    run("extract")
    edited = CHOICE.read_text().replace(
        '"extractor": "sharp",\n  "reason"', '"extractor": "mfcc",\n  "reason"'
    )
    CHOICE.write_text(edited)

    assert "mfcc" in run("extract", "--json").json["store"]
    finished = run("extract", "--extractor", "auto")
    assert finished.code == 0
    assert "was edited and is kept" in finished.err
    assert CHOICE.read_text() == edited


def test_a_strangers_choice_runs_no_program(indexed: Path, run: Run) -> None:
    Path("net").mkdir()
    Path("net/saved_model.pb").write_bytes(b"")
    values = {"extractor": "savedmodel:net", "reason": "", "index": "sounds.csv"}
    CHOICE.write_text(json.dumps(values))

    finished = run("extract")

    assert finished.code == 5
    assert "data/network.json names the extractor savedmodel:net" in finished.err


def test_index_says_what_extract_will_do(project: Path, sounds: Path, run: Run) -> None:
    text = "audiotl extract compares networks on 18 of these clips, and takes the best"

    assert text in run("index", sounds).err
    assert text not in run("index", sounds, "--json").err
    run("extract")
    again, other = run("index", sounds), run("index", sounds, "--name", "other")
    assert text not in again.err
    assert "Network sharp" not in again.err
    assert "Network sharp, chosen for sounds.csv; for these clips:" in other.err
    assert shown.AUTO in run("extract", "--help").out


def test_options_that_one_network_takes_do_not_choose_it(
    project: Path, sounds: Path, run: Run
) -> None:
    run("index", sounds / "rain")

    refused = run("extract", "--extractor", "auto", "--padding-s", "1")

    assert refused.code == 2
    assert "takes no --padding-s; name a network with --extractor" in refused.err
    assert not Path("data/network.json").exists()
