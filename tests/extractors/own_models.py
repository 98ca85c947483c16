"""Tiny TensorFlow models with the numbers they must give, in NumPy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.extractors.runtime import tensorflow

Array = npt.NDArray[np.float32]

WINDOW = 4000  # samples at 16 kHz: 0.25 s
SETTINGS = {"sample_rate": 16_000, "window_s": 0.25}


def statistics(windows: Array) -> Array:
    """What the model makes of windows (n, n_samples): mean, maximum and level, (n, 3)."""
    level = np.sqrt(np.mean(windows**2, axis=1))
    return np.stack([windows.mean(axis=1), windows.max(axis=1), level], axis=1)


def module(shape: list[int | None], *, several: bool = False, dtype: str = "float32") -> Any:
    """Return a TensorFlow module that gives `statistics` of inputs of a shape."""
    tf: Any = tensorflow()
    base: Any = tf.Module

    class Statistics(base):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec(shape, dtype)])
        def __call__(self, x: Any) -> dict[str, Any]:
            x = tf.cast(x, tf.float32)
            batched = len(shape) > 1 and shape != [96, 64]
            axes = list(range(int(batched), len(shape)))
            level = tf.sqrt(tf.reduce_mean(x * x, axes))
            values = [tf.reduce_mean(x, axes), tf.reduce_max(x, axes), level]
            outputs = {"statistics": tf.stack(values, axis=-1)}
            return outputs | {"levels": values[2]} if several else outputs

    return Statistics()


def write_savedmodel(folder: Path, model: Any, **settings: object) -> str:
    """Write a SavedModel and its settings; return the extractor's name."""
    signature = model.__call__.get_concrete_function()
    tensorflow().saved_model.save(model, str(folder), signatures=signature)
    write_settings(folder, **settings)
    return f"savedmodel:{folder}"


def write_tflite(path: Path, model: Any, **settings: object) -> str:
    """Write a TFLite file and its settings; return the extractor's name."""
    functions = [model.__call__.get_concrete_function()]
    converter = tensorflow().lite.TFLiteConverter.from_concrete_functions(functions, model)
    path.write_bytes(converter.convert())
    write_settings(path, **settings)
    return f"tflite:{path}"


def write_settings(model: Path, **settings: object) -> None:
    if settings:
        model.with_name(f"{model.name}.json").write_text(json.dumps(settings))
