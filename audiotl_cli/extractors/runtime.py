"""Threads of networks and of NumPy, and the import of TensorFlow."""

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
N_ARENAS = 2  # one per thread would keep hundreds of megabytes

_n_threads = 0

_blas_lock = threading.Lock()
_n_with_one_blas_thread = 0
_blas_limit: Any = None


def limit_threads(n_threads: int) -> None:
    """Limit the threads of networks; this has no effect on TensorFlow after its first use."""
    global _n_threads
    _n_threads = n_threads


def thread_count() -> int:
    """Return how many threads a network may use: the limit, or the number of processors."""
    return _n_threads or n_processors()


@cache
def batch_threads(n_threads: int) -> ThreadPoolExecutor:
    """Return a pool of threads, each of which runs a batch."""
    return ThreadPoolExecutor(n_threads, thread_name_prefix="batch")


@cache
def keep_freed_memory() -> None:
    """Let glibc, if it is the C library, keep freed memory for later allocations.

    Every batch allocates and frees the same large blocks. Returning them to the system each time
    takes a tenth of the run time.
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
    """Limit NumPy's matrix products to one thread in the whole process.

    Front ends run in parallel on small matrices: the threads of a product would wait for each other
    longer than they compute, and their number would change the last bits of the result.
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
            if _n_with_one_blas_thread == 0:  # the last thread to leave restores the limits
                _blas_limit.restore_original_limits()


@cache  # searching takes milliseconds; NumPy's library is loaded already
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def silent_descriptor() -> Iterator[None]:
    """Keep native code from writing to stderr, which no setting of TensorFlow's import does."""
    try:
        copy = os.dup(2)
    except OSError:  # stderr is closed
        yield
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
    try:
        yield
    finally:
        os.dup2(copy, 2)
        os.close(copy)


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
    with silent_descriptor():
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
