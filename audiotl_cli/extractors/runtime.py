"""The threads of networks and of NumPy; and TensorFlow, imported late and quietly."""

from __future__ import annotations

import logging
import os
import platform
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any

from audiotl_cli.processors import n_processors

MMAP_THRESHOLD, TRIM_THRESHOLD = 32 << 20, 128 << 20  # bytes
N_ARENAS = 2  # with one a thread, what each keeps comes to hundreds of megabytes

_n_threads = 0

_blas_lock = threading.Lock()
_n_with_one_blas_thread = 0
_blas_limit: Any = None


def limit_threads(n_threads: int) -> None:
    """Let networks use this many threads; TensorFlow obeys only before its first use."""
    global _n_threads
    _n_threads = n_threads


def thread_count() -> int:
    """Return how many threads a network may use: as limited, or one a processor."""
    return _n_threads or n_processors()


@cache
def batch_threads(n_threads: int) -> ThreadPoolExecutor:
    """Return the threads that run batches, as many at once as there are threads."""
    return ThreadPoolExecutor(n_threads, thread_name_prefix="batch")


@cache
def keep_freed_memory() -> None:
    """Let glibc keep freed blocks for the next, where that is the C library.

    Batch after batch takes and frees the same large blocks: giving them back to the system
    every time costs a tenth of all time.
    """
    import ctypes

    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(-3, MMAP_THRESHOLD)  # M_MMAP_THRESHOLD
    mallopt(-1, TRIM_THRESHOLD)  # M_TRIM_THRESHOLD
    mallopt(-8, N_ARENAS)  # M_ARENA_MAX


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let NumPy's matrix products have one thread, in the whole process, until left.

    Front ends run side by side on small matrices: threads of every product wait for each
    other longer than they work, and how many there are shows in the last bit of the numbers.
    """
    global _n_with_one_blas_thread, _blas_limit
    with _blas_lock:
        if _n_with_one_blas_thread == 0:
            _blas_limit = _blas().limit(limits=1, user_api="blas")
        _n_with_one_blas_thread += 1
    try:
        yield
    finally:
        with _blas_lock:
            _n_with_one_blas_thread -= 1
            if _n_with_one_blas_thread == 0:  # the last one out, whoever came first
                _blas_limit.restore_original_limits()


@cache  # looking for libraries takes milliseconds; NumPy's is there already
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@cache
def tensorflow() -> Any:
    """Return the tensorflow module, imported on the first call.

    An operation gets one thread: batches side by side keep the cores busier than threads
    within one, which wait for each other at the end of every operation.

    Its C++ messages below errors, and its search for a GPU that is not there, are hushed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if platform.machine() in ("x86_64", "AMD64"):
        # else only processors with instructions for 8-bit networks get it, and all others
        # convolutions without fused multiplication: MusiCNN is 2.3 times slower by these
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    import tensorflow as tf

    tf.get_logger().setLevel(logging.ERROR)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(thread_count())
    return tf


def session_config() -> Any:
    """Return a TensorFlow 1 session's configuration with the same limit on threads."""
    tf = tensorflow()
    return tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=1, inter_op_parallelism_threads=thread_count()
    )
