"""What `docs/DEPLOY.md` describes: the page for browsers, and the service of systemd."""

from __future__ import annotations

import configparser
import json
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from audiotl_cli import load_model
from audiotl_cli.dataset.demo_sounds import synthesise
from audiotl_cli.dataset.synthesis import SAMPLE_RATE
from tests.conftest import REPOSITORY, Run
from tests.waiting import wait_until

EXAMPLES = REPOSITORY / "examples"
PAGE = EXAMPLES / "browser"
SERVICE = EXAMPLES / "audiotl-watch.service"
PATIENCE_MS = 60_000
SAME, RESAMPLED = 0.001, 0.02
"""How far a score may be off, and where the browser resamples in the place of soxr."""


@pytest.fixture
def model(mfcc_model: Path, project: Path) -> Path:
    shutil.copy(mfcc_model, "sounds.joblib")
    return project / "sounds.joblib"


@pytest.fixture
def exported(model: Path, run: Run) -> Path:
    assert run("model", "export", model, "--whole").code == 0
    return model.with_name("sounds-whole.onnx")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    if not (PAGE / "package" / "dist").is_dir():
        pytest.skip(f"onnxruntime-web is not at hand: unpack it in {PAGE}, see docs/DEPLOY.md")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=PAGE))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    context = browser.new_context()
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    yield page
    context.close()
    assert said == []
    assert all(url.startswith((address, "blob:", "data:")) for url in asked), asked


def wait_for(page: Any, text: str) -> None:
    page.get_by_role("status").filter(has_text=text).wait_for(timeout=PATIENCE_MS)


def rows(page: Any) -> list[list[str]]:
    found = page.locator("#labels tbody tr").all()
    return [row.locator("td").all_inner_texts() for row in found]


def test_a_browser_gives_the_same_labels(page: Any, exported: Path, model: Path, new: Path) -> None:
    drum = soxr.resample(synthesise("drum", 51), SAMPLE_RATE, 48_000)
    soundfile.write(new / "stereo.flac", np.stack([drum, 0.5 * drum], axis=1), 48_000)
    page.set_input_files("#model", exported)
    wait_for(page, "Ready")
    files = sorted(new.iterdir())
    page.set_input_files("#recordings", files)
    wait_for(page, "Done")
    first: dict[str, list[str]] = {}
    for name, *rest in rows(page):
        first.setdefault(name, rest)
    assert list(first) == [file.name for file in files]
    for ours in load_model(model).predict(files):
        start, label, found = first[Path(ours.path).name]
        assert (start, label) == ("0 s", ours.label)
        near = RESAMPLED if ours.path.endswith("stereo.flac") else SAME
        assert float(found) == pytest.approx(ours.score, abs=near)


def test_long_recordings_are_cut_and_others_named(page: Any, exported: Path) -> None:
    soundfile.write(
        "long.wav", np.tile(synthesise("rain", 50), 40)[: 61 * SAMPLE_RATE], SAMPLE_RATE
    )
    Path("text.wav").write_text("no sound")
    page.set_input_files("#recordings", "long.wav")
    wait_for(page, "Choose a model first")
    page.set_input_files("#model", exported)
    wait_for(page, "Ready")
    page.set_input_files("#recordings", ["long.wav", "text.wav"])
    wait_for(page, "Done; 1 of 2 failed")
    found = rows(page)
    assert [(row[1], row[2]) for row in found if row[0] == "long.wav"][::3] == [
        ("0 s", "rain"),
        ("60 s", "rain"),
    ]
    assert found[-1][0] == "text.wav"
    assert found[-1][2].startswith("cannot be used: ")


def test_a_file_that_is_no_whole_model_is_refused(page: Any, model: Path, run: Run) -> None:
    run("model", "export", model)
    page.set_input_files("#model", "sounds.onnx")
    wait_for(page, "sounds.onnx cannot be used: expected a file that audiotl model export --whole")
    Path("text.onnx").write_text("no model")
    page.set_input_files("#model", "text.onnx")
    wait_for(page, "text.onnx cannot be used: the file is damaged, or no ONNX file")


def test_a_dropped_file_is_labelled(page: Any, exported: Path, new: Path) -> None:
    page.set_input_files("#model", exported)
    wait_for(page, "Ready")
    script = """(bytes) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], "dropped.wav"));
        window.dispatchEvent(new DragEvent("drop", { dataTransfer: data }));
    }"""
    page.evaluate(script, list((new / "rain.wav").read_bytes()))
    wait_for(page, "Done")
    assert rows(page)[0][:3] == ["dropped.wav", "0 s", "rain"]


def test_a_browser_hears_the_channel_of_the_model(
    page: Any, sounds: Path, project: Path, run: Run
) -> None:
    run("index", sounds, "--test-size", "0")
    run("extract", "--extractor", "mfcc", "--channel", "loudest")
    run("train", "--out", "loud.joblib")
    run("model", "export", "loud.joblib", "--whole")
    rain, drum = synthesise("rain", 50), synthesise("drum", 50)
    both = np.stack([0.02 * np.resize(drum, len(rain)), rain], axis=1)
    soundfile.write("both.wav", both / np.abs(both).max(), SAMPLE_RATE)
    page.set_input_files("#model", "loud-whole.onnx")
    wait_for(page, "Ready")
    page.set_input_files("#recordings", "both.wav")
    wait_for(page, "Done")
    (ours,) = load_model("loud.joblib").predict("both.wav")
    _, _, label, score = rows(page)[0]
    assert label == ours.label == "rain"
    assert float(score) == pytest.approx(ours.score, abs=SAME)


def service() -> configparser.SectionProxy:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(SERVICE.read_text())
    return unit["Service"]


def test_systemd_accepts_the_service(tmp_path: Path) -> None:
    checker = shutil.which("systemd-analyze")
    if checker is None:
        pytest.skip("systemd-analyze is not at hand")
    program = shlex.split(service()["ExecStart"])[0]
    copy = tmp_path / SERVICE.name  # it names a program that is not installed here
    copy.write_text(SERVICE.read_text().replace(program, sys.executable))
    done = subprocess.run([checker, "verify", copy], capture_output=True, text=True, check=False)
    assert SERVICE.name not in done.stderr, done.stderr


def test_the_service_labels_sorts_and_stops_as_it_is_told(exported: Path, new: Path) -> None:
    told = service()
    there = str(exported.parent)
    program, *words = shlex.split(told["ExecStart"].replace(told["WorkingDirectory"], there))
    exported.rename("model.onnx")
    assert Path(program).name == "audiotl"
    assert told["StandardOutput"].startswith(f"append:{told['WorkingDirectory']}/")
    log = Path("labels.jsonl")
    with log.open("wb") as lines:
        command = [sys.executable, "-m", "audiotl_cli", *words]
        process = subprocess.Popen(command, stdout=lines, stderr=subprocess.PIPE)
    with process:
        try:
            wait_until(lambda: len(list(Path("sorted").rglob("*.wav"))) == 3)
        finally:
            process.send_signal(getattr(signal, told["KillSignal"]))
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:  # where the signal was ignored from the start
                process.kill()
    assert process.returncode == int(told["SuccessExitStatus"])
    found = [json.loads(line) for line in log.read_text().splitlines()]
    assert {Path(row["path"]).stem for row in found} == {"rain", "chirp", "drum"}
    assert all(Path(f"sorted/{row['label']}/{row['label']}.wav").is_file() for row in found)
    assert list(new.iterdir()) == []
