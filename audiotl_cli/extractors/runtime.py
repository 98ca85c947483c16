"""How many threads networks use; and TensorFlow, imported late and quietly."""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import Any

_n_threads = 0


def limit_threads(n_threads: int) -> None:
    """Let networks use this many threads; TensorFlow obeys only before its first use."""
    global _n_threads
    _n_threads = n_threads


def thread_count() -> int:
    """Return how many threads a network may use: as limited, or one a core."""
    return _n_threads or os.cpu_count() or 1


@cache
def tensorflow() -> Any:
    """Return the tensorflow module, imported on the first call.

    Its C++ messages below errors, and its search for a GPU that is not there, are hushed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    tf.get_logger().setLevel(logging.ERROR)
    if _n_threads:
        tf.config.threading.set_intra_op_parallelism_threads(_n_threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    return tf


def session_config() -> Any:
    """Return a TensorFlow 1 session's configuration with the same limit on threads."""
    tf = tensorflow()
    return tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=_n_threads,
        inter_op_parallelism_threads=1 if _n_threads else 0,
    )
