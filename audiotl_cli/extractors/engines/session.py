"""Run an ONNX model in ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np

from audiotl_cli.errors import is_out_of_memory
from audiotl_cli.extractors.engines.operations import Array, Forward
from audiotl_cli.graph import open_session


def forward_of(model: bytes, shape: tuple[int | None, ...], output: str) -> Forward:
    """Return a function that runs an ONNX model with one input, and gives one of its outputs.

    Parameters
    ----------
    model : bytes
    shape : tuple of int or None
        The shape of a patch, None for sizes that may vary.
    output : str

    Raises
    ------
    ValueError
        ONNX Runtime cannot run the model, or it takes something else.
    """
    try:
        session = open_session(model, n_threads=1)  # batches run side by side
    except Exception as error:  # ONNX Runtime's errors have no common class
        if is_out_of_memory(error):
            raise
        reason = str(error).splitlines()[0][:200]
        raise ValueError(f"ONNX Runtime cannot run it: {reason}") from error
    source, *others = session.get_inputs()
    found = [size if isinstance(size, int) else None for size in source.shape[1:]]
    if others or found != list(shape):
        raise ValueError(f"it takes arrays of the shape {source.shape}")
    wanted = [output]

    def forward(patches: Array) -> Array:
        found: Any = session.run(wanted, {source.name: np.ascontiguousarray(patches)})
        values: Array = found[0]
        return values

    return forward
