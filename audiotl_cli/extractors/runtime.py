"""TensorFlow, imported late, quietly, and with a limit on its threads."""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import Any

_n_threads = 0


def limit_threads(n_threads: int) -> None:
    """Let TensorFlow use this many threads; has an effect only before its first use."""
    global _n_threads
    _n_threads = n_threads


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
