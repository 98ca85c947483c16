"""The names in a model's card and in a feature store's description run no program."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import soundfile

from audiotl_cli import load_model
from audiotl_cli.dataset.demo_sounds import synthesise
from audiotl_cli.dataset.synthesis import SAMPLE_RATE
from audiotl_cli.errors import ArtifactError
from audiotl_cli.extractors.runtime import tensorflow
from tests.conftest import REPOSITORY, Run, run_in
from tests.extractors.own_models import SETTINGS, WINDOW, save_module


@dataclass(frozen=True)
class Present:
    """A project folder as somebody hands it on, its network and its model in it."""

    folder: Path
    mark: Path
    """What the network writes when it runs."""


def harmful(mark: Path) -> Any:
    """Return a TensorFlow module that embeds, and writes a file."""
    tf: Any = tensorflow()
    base: Any = tf.Module

    class Harmful(base):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec([None, WINDOW], "float32")])
        def __call__(self, x: Any) -> dict[str, Any]:
            with tf.control_dependencies([tf.io.write_file(str(mark), "it ran")]):
                values = [tf.reduce_mean(x, 1), tf.reduce_max(x, 1), tf.math.reduce_std(x, 1)]
                return {"statistics": tf.stack(values, axis=-1)}

    return Harmful()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, sounds: Path) -> Present:
    """Return a project whose model was trained on the features of a network of its own."""
    folder = tmp_path_factory.mktemp("present")
    mark = folder.parent / f"{folder.name}-ran"
    save_module(folder / "net", harmful(mark), **SETTINGS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUDIOTL_STATE", str(tmp_path_factory.mktemp("maker")))
        run_in(
            folder,
            ["index", sounds, "--no-audit"],
            ["extract", "--extractor", "savedmodel:net"],
            ["train", "--out", "bird.joblib"],
        )
    soundfile.write(folder / "new.wav", synthesise("rain", 50), SAMPLE_RATE)
    return Present(folder, mark)


@pytest.fixture
def present(made: Present, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Present:
    """Return that project as it is on the machine of another user, in its folder."""
    copy = tmp_path / "present"
    shutil.copytree(made.folder, copy)
    made.mark.unlink(missing_ok=True)
    monkeypatch.chdir(copy)
    monkeypatch.setenv("AUDIOTL_STATE", str(tmp_path / "state"))
    return Present(copy, made.mark)


def program_of(run: Run) -> dict[str, Any]:
    """Return what ``model inspect`` says the model runs."""
    (program,) = run("model", "inspect", "bird.joblib", "--json").json["programs"]
    assert isinstance(program, dict)
    return program


def test_a_model_does_not_run_the_network_it_names(present: Present, run: Run) -> None:
    refused = run("predict", "new.wav", "--model", "bird.joblib")

    assert refused.code == 5
    assert not present.mark.exists()
    (line,) = refused.err.strip().splitlines()[1:]  # after the model's name
    sha256 = program_of(run)["sha256"]
    assert str(present.folder / "net") in line
    assert f"--trust sha256:{sha256}" in line
    assert "audiotl extract --extractor savedmodel:net" in line


def test_nor_does_it_from_python_or_for_an_export(present: Present, run: Run) -> None:
    with pytest.raises(ArtifactError, match="--trust sha256:"):
        load_model("bird.joblib")
    assert run("model", "export", "bird.joblib", "--whole").code == 5
    assert run("listen", "--model", "bird.joblib").code == 5

    assert not present.mark.exists()


def test_a_digest_that_the_user_types_is_trusted_once(present: Present, run: Run) -> None:
    trust = f"sha256:{program_of(run)['sha256']}"
    args = ("predict", "new.wav", "--model", "bird.joblib")

    assert run(*args, "--trust", trust).code == 0
    assert present.mark.exists()
    assert load_model("bird.joblib", trust).labels == ["chirp", "drum", "rain"]
    assert run(*args).code == 5
    assert run(*args, "--trust", f"sha256:{'0' * 64}").code == 5


def test_what_the_user_extracted_with_is_trusted_from_then_on(
    present: Present, run: Run, tmp_path: Path
) -> None:
    assert run("extract", "--extractor", "savedmodel:net").code == 0

    assert program_of(run)["trusted"] is True
    assert run("predict", "new.wav", "--model", "bird.joblib").code == 0
    assert list((tmp_path / "state" / "trusted").iterdir())


def test_another_network_under_the_same_name_is_not(
    present: Present, run: Run, tmp_path: Path
) -> None:
    run("extract", "--extractor", "savedmodel:net")
    save_module(tmp_path / "other", harmful(tmp_path / "other-ran"), **SETTINGS)
    shutil.rmtree("net")
    shutil.copytree(tmp_path / "other", "net")

    assert run("predict", "new.wav", "--model", "bird.joblib").code == 5
    assert not (tmp_path / "other-ran").exists()


def test_nothing_in_the_folder_can_say_that_it_is_trusted(present: Present, run: Run) -> None:
    sha256 = program_of(run)["sha256"]
    for folder in (".", "data", ".audiotl"):
        record = present.folder / folder / "trusted" / f"sha256-{sha256}.json"
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text("{}")

    assert run("predict", "new.wav", "--model", "bird.joblib").code == 5


def test_a_store_does_not_run_the_network_it_names(present: Present, run: Run) -> None:
    refused = run("similar", "new.wav")

    assert refused.code == 5
    assert not present.mark.exists()
    assert "store" not in refused.out
    trust = f"sha256:{program_of(run)['sha256']}"
    assert trust in refused.err
    assert run("similar", "new.wav", "--trust", trust).code == 0
    assert run("similar", "new.wav", "--extractor", "savedmodel:net").code == 0
    assert run("similar", "new.wav").code == 5


def test_a_settings_file_does_not_run_the_network_it_names(present: Present, run: Run) -> None:
    Path("audiotl.toml").write_text(
        '[extract]\nextractor = "savedmodel:net"\nhop-s = 0.2\n'
        '[similar]\nextractor = "savedmodel:net"\n'
    )

    assert run("extract").code == 5
    assert run("similar", "new.wav").code == 5
    assert not present.mark.exists()
    assert run("extract", "--extractor", "savedmodel:net").code == 0
    assert run("extract").code == 0


def test_inspecting_says_what_would_run(present: Present, run: Run) -> None:
    program = program_of(run)
    assert program["name"] == "savedmodel:net"
    assert program["source"] == str(present.folder / "net")
    assert program["trusted"] is False
    (store,) = run("store", "info", "--json").json
    assert store["programs"] == [program]

    for said in (run("model", "inspect", "bird.joblib").out, run("store", "info").out):
        for text in (program["source"], program["sha256"], "NOT trusted"):
            assert text in said
    shutil.rmtree("net")
    gone = program_of(run)
    assert gone["sha256"] == ""
    assert "no SavedModel" in gone["problem"]
    assert not present.mark.exists()


def test_all_that_tensorflow_reads_is_in_the_digest(present: Present, run: Run) -> None:
    first = program_of(run)["sha256"]
    (present.folder / "net" / "saved_model.cpb").write_bytes(b"another graph")

    assert program_of(run)["sha256"] != first


def test_a_model_does_not_load_the_plugin_it_names(
    project: Path, tmp_path: Path, sounds: Path
) -> None:
    site = tmp_path / "site"
    info = site / "audiotl_zcr-0.1.0.dist-info"
    info.mkdir(parents=True)
    shutil.copy(REPOSITORY / "examples" / "audiotl-zcr" / "audiotl_zcr.py", site)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: audiotl-zcr\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[audiotl.extractors]\nzcr = audiotl_zcr:ZcrExtractor\n")

    def program(state: str, *args: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "audiotl_cli", *map(str, args)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ
            | {
                "PYTHONPATH": os.pathsep.join([str(site), str(REPOSITORY)]),
                "AUDIOTL_STATE": str(tmp_path / state),
            },
        )

    for args in (["index", sounds, "--no-audit"], ["extract", "--extractor", "zcr"], ["train"]):
        done = program("maker", *args)
        assert done.returncode == 0, done.stderr
    with (site / "audiotl_zcr.py").open("a") as module:
        module.write("\nopen('ran', 'w').close()\n")
    new = next((sounds / "rain").iterdir())

    refused = program("user", "predict", new)

    assert refused.returncode == 5, refused.stderr
    assert not Path("ran").exists()
    assert "audiotl_zcr:ZcrExtractor of the package audiotl-zcr" in refused.stderr
    (model,) = Path("data/models").glob("*.joblib")
    (found,) = json.loads(program("user", "model", "inspect", model, "--json").stdout)["programs"]
    assert not Path("ran").exists()
    trusted = program("user", "predict", new, "--trust", f"sha256:{found['sha256']}")
    assert trusted.returncode == 0, trusted.stderr
    assert program("maker", "predict", new).returncode == 0
