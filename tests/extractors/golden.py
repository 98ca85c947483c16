"""Numbers of the published implementations, and where real weights may lie."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from audiotl_cli.extractors.engines import is_installed
from audiotl_cli.extractors.runtime import tensorflow
from audiotl_cli.extractors.vggish_network import SHAPES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "golden"
SHARED = Path(os.environ.get("AUDIOTL_SHARED", ROOT.parent / "shared"))

SEED = 20261123  # drew the golden values' weights in the order of `SHAPES`
ENGINES = ["tensorflow", "onnx", "ncnn"]

Array = npt.NDArray[np.floating[Any]]


def scene(name: str) -> tuple[Array, int]:
    """Return a synthetic waveform and its sample rate."""
    with np.load(FOLDER / "scenes.npz") as file:
        return file[name], int(file["sample_rates"][list(file["names"]).index(name)])


def golden(network: str, scene_name: str) -> dict[str, Array]:
    with np.load(FOLDER / f"{network}_{scene_name}.npz") as file:
        return dict(file)


def shared_weights(name: str) -> Path:
    path = SHARED / "weights" / name
    if not path.is_file():
        pytest.skip(f"{path} is not at hand: the golden values are of its weights")
    return path


def need_engine(engine: str) -> str:
    """Return an engine's name, or skip the test where it is not installed."""
    if not is_installed(engine):
        pytest.skip(f"the engine {engine} is not installed")
    return engine


def cosine(frames: Array, reference: Array) -> float:
    """Return the cosine of the two frames that differ most."""
    a, b = frames.astype(np.float64), reference.astype(np.float64)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(((a * b).sum(axis=1) / norms).min())


def relative_error(frames: Array, reference: Array) -> float:
    return float(np.abs(frames - reference).max() / np.abs(reference).max())


def write_seeded_checkpoint(path: Path) -> None:
    """Write a TensorFlow 1 checkpoint, one file, with the golden values' random weights."""
    tf = tensorflow()
    rng = np.random.default_rng(SEED)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variables = []
        for layer, shape in SHAPES.items():
            spread = np.float32(np.sqrt(2 / np.prod(shape[:-1])))
            kernel = rng.standard_normal(shape, np.float32) * spread
            bias = rng.standard_normal(shape[-1], np.float32) * np.float32(0.01)
            for name, value in (("weights", kernel), ("biases", bias)):
                start = tf.compat.v1.placeholder(tf.float32, value.shape)
                variable = tf.compat.v1.Variable(
                    start, name=f"vggish/{layer}/{name}", use_resource=False
                )
                session.run(variable.initializer, {start: value})
                variables.append(variable)
        version = tf.compat.v1.train.SaverDef.V1
        saver = tf.compat.v1.train.Saver(variables, write_version=version)
        saver.save(session, str(path), write_meta_graph=False, write_state=False)
