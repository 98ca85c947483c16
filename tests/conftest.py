"""What many tests share: real data where it is at hand, a project folder, the command line."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from audiotl_cli.cli.main import main
from audiotl_cli.dataset.demo_sounds import synthesise
from audiotl_cli.dataset.synthesis import SAMPLE_RATE
from audiotl_cli.storage.schemes import SCHEMES
from tests.extractors.golden import write_seeded_checkpoint

REPOSITORY = Path(__file__).parents[1]

settings.register_profile(
    "audiotl", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # a machine that does other work as well is no fault
settings.load_profile("audiotl")
SHARED = Path(os.environ.get("AUDIOTL_SHARED", REPOSITORY.parent / "shared"))
"""Real recordings and features that are too large for the repository."""

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip

LABELS = ("chirp", "drum", "rain")
N_TAKES = 8


COMMANDS = {"run", "extracted", "mfcc_model"}
"""Fixtures that run commands."""

LONG = (
    "cli",
    "cluster",
    "contract",
    "extractors",
    "storage/test_s3.py",
    "reliability",
    "security",
    "test_examples.py",
    "test_real_data.py",
)
"""Tests of commands, processes and networks; ``make check`` leaves them out."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that run commands, processes or whole networks."""
    long = [REPOSITORY / "tests" / name for name in LONG]
    for item in items:
        uses = COMMANDS.intersection(getattr(item, "fixturenames", ()))
        if uses or any(item.path.is_relative_to(place) for place in long):
            item.add_marker("integration")


def shared(path: str) -> Path:
    """Return a path in the folder of real data, or skip the test."""
    found = SHARED / path
    if not found.exists():
        pytest.skip(f"real data not at hand: {path} (set AUDIOTL_SHARED)")
    return found


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value on stdout."""
        return json.loads(self.out)


Run = Callable[..., Finished]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command line through the program's entry point."""

    def run(*args: object) -> Finished:
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(arg) for arg in args])
        out, err = capfd.readouterr()
        assert isinstance(stop.value.code, int)
        return Finished(stop.value.code, out, err)

    return run


def run_in(folder: Path, *commands: Sequence[object]) -> None:
    """Run command lines in a folder, all of which must succeed."""
    with contextlib.chdir(folder):
        for args in commands:
            with pytest.raises(SystemExit) as stop:
                main([*map(str, args), "--quiet"])
            assert stop.value.code == 0


@pytest.fixture(autouse=True)
def as_wide_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take no notice of the terminal that tests are started from, nor of what tells its width."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(autouse=True)
def searched_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo after each test what the program tells Python processes that it starts."""
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No weights at hand and no network to fetch them."""
    monkeypatch.setenv("AUDIOTL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("AUDIOTL_OFFLINE", "1")


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with three labels of eight recordings each."""
    import soundfile

    folder = tmp_path_factory.mktemp("recordings") / "sounds"
    for label in LABELS:
        (folder / label).mkdir(parents=True)
        for take in range(N_TAKES):
            path = folder / label / f"{label}-{take:02d}.wav"
            soundfile.write(path, synthesise(label, take), SAMPLE_RATE)
    return folder


@pytest.fixture(scope="session")
def seeded_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a checkpoint in VGGish's published layout that holds random weights."""
    path = tmp_path_factory.mktemp("vggish") / "seeded.ckpt"
    write_seeded_checkpoint(path)
    yield path
    path.unlink()  # pytest keeps three runs' folders; 289 MB each is too much


@pytest.fixture(scope="session", autouse=True)
def built_networks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep what engines build, some of it of random weights, out of the user's cache."""
    folder = tmp_path_factory.mktemp("engines")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("audiotl_cli.extractors.engines.built.cache_folder", lambda: folder)
        yield folder
    shutil.rmtree(folder)  # pytest keeps three runs' folders; VGGish's are 289 MB each


@pytest.fixture(scope="session", autouse=True)
def remembered_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what is trusted in tests out of the user's state folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUDIOTL_STATE", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty project folder, the current one."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("AUDIOTL_OFFLINE", raising=False)
    return folder


@pytest.fixture(scope="session")
def mfcc_model(tmp_path_factory: pytest.TempPathFactory, sounds: Path) -> Path:
    """Return a model of chirps, drums and rain, in a folder of its own."""
    folder = tmp_path_factory.mktemp("model")
    before = Path.cwd()
    os.chdir(folder)
    try:
        for args in (
            ["index", str(sounds), "--test-size", "0"],
            ["extract", "--extractor", "mfcc", "--hop-s", "0.25"],
            ["train", "--out", "sounds.joblib"],
        ):
            with pytest.raises(SystemExit) as stop:
                main([*args, "--quiet"])
            assert stop.value.code == 0
    finally:
        os.chdir(before)
    return folder / "sounds.joblib"


@pytest.fixture
def new(project: Path) -> Path:
    """Return a folder of three recordings that the model was not trained on."""
    import soundfile

    folder = project / "new"
    folder.mkdir()
    for label in ("rain", "chirp", "drum"):
        soundfile.write(folder / f"{label}.wav", synthesise(label, 50), SAMPLE_RATE)
    return folder


@pytest.fixture
def memory_storage() -> Iterator[None]:
    """Let URLs name the memory of this process, which nothing but a test may."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SCHEMES, "memory", True)
        yield


@pytest.fixture
def written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the store write every clip when it comes, so that tests can count on it."""
    monkeypatch.setattr("audiotl_cli.store.writer.HOLD_S", 0.0)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Return a browser without a window, or skip the test."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser at hand: none of {', '.join(BROWSERS)}")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=found, args=SWITCHES)
        yield chromium
        chromium.close()
