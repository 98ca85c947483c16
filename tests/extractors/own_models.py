"""Tiny networks in files, with the numbers they must give, in NumPy."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from audiotl_cli.extractors.runtime import tensorflow
from audiotl_cli.graph import Graph

Array = npt.NDArray[np.float32]

WINDOW = 4000  # samples at 16 kHz: 0.25 s
SETTINGS = {"sample_rate": 16_000, "window_s": 0.25}


@dataclass(frozen=True)
class Own:
    """A network that gives `statistics` of inputs of a shape."""

    shape: list[int | None]
    several: bool = False
    dtype: str = "float32"

    @property
    def axes(self) -> list[int]:
        """The axes of a window."""
        batched = len(self.shape) > 1 and self.shape != [96, 64]
        return list(range(int(batched), len(self.shape)))


def statistics(windows: Array) -> Array:
    """What the network makes of windows (n, n_samples): mean, maximum and level, (n, 3)."""
    level = np.sqrt(np.mean(windows**2, axis=1))
    return np.stack([windows.mean(axis=1), windows.max(axis=1), level], axis=1)


def module(own: Own) -> Any:
    """Return the network as a TensorFlow module."""
    tf: Any = tensorflow()
    base: Any = tf.Module

    class Statistics(base):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec(own.shape, own.dtype)])
        def __call__(self, x: Any) -> dict[str, Any]:
            x = tf.cast(x, tf.float32)
            level = tf.sqrt(tf.reduce_mean(x * x, own.axes))
            values = [tf.reduce_mean(x, own.axes), tf.reduce_max(x, own.axes), level]
            outputs = {"statistics": tf.stack(values, axis=-1)}
            return outputs | {"levels": values[2]} if own.several else outputs

    return Statistics()


def write_savedmodel(folder: Path, own: Own, **settings: object) -> str:
    """Write a SavedModel and its settings; return the extractor's name."""
    return save_module(folder, module(own), **settings)


def save_module(folder: Path, model: Any, **settings: object) -> str:
    """Write a TensorFlow module as a SavedModel, and its settings; return the extractor's name."""
    signature = model.__call__.get_concrete_function()
    tensorflow().saved_model.save(model, str(folder), signatures=signature)
    write_settings(folder, **settings)
    return f"savedmodel:{folder}"


def write_tflite(path: Path, own: Own, **settings: object) -> str:
    """Write a TFLite file and its settings; return the extractor's name."""
    if find_spec("ai_edge_litert") is None:
        pytest.skip("LiteRT is not installed: pip install 'audiotl[litert]'")
    model = module(own)
    functions = [model.__call__.get_concrete_function()]
    converter = tensorflow().lite.TFLiteConverter.from_concrete_functions(functions, model)
    path.write_bytes(converter.convert())
    write_settings(path, **settings)
    return f"tflite:{path}"


def write_onnx(path: Path, own: Own, **settings: object) -> str:
    """Write an ONNX file and its settings; return the extractor's name."""
    graph = Graph()
    names = iter("abcdefgh")
    shape = [next(names) if size is None else size for size in own.shape]
    x = graph.cast(graph.input("x", own.dtype, shape), np.float32)
    power = graph.reduce("Mean", graph.add("Mul", x, x), *own.axes, keep=False)
    level = graph.add("Sqrt", power)
    means = [graph.reduce(how, x, *own.axes, keep=False) for how in ("Mean", "Max")]
    columns = [graph.add("Unsqueeze", value, np.array([-1])) for value in (*means, level)]
    joined = graph.add("Concat", *columns, axis=-1)
    lead: list[int | str] = [shape[0]] if own.axes[0] else []
    graph.output("statistics", joined, np.float32, [*lead, 3])
    if own.several:
        graph.output("levels", level, np.float32, lead)
    path.write_bytes(graph.model({}))
    write_settings(path, **settings)
    return f"onnx:{path}"


WRITERS: dict[str, Callable[..., str]] = {
    "onnx": write_onnx,
    "tflite": write_tflite,
    "savedmodel": write_savedmodel,
}


def write_settings(model: Path, **settings: object) -> None:
    if settings:
        model.with_name(f"{model.name}.json").write_text(json.dumps(settings))
