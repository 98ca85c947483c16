"""What to say of an error, and with which exit code to end."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from audiotl_cli.errors import OUT_OF_MEMORY, AudiotlError, is_out_of_memory

BAD_DATA = 3
MISTAKE_HERE = 70

MIN_ADDRESS_SPACE, SMALL_ADDRESS_SPACE = 768 << 20, 2 << 30  # bytes

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def explain(error: Exception) -> tuple[int, str, str]:
    """Return the exit code of an error, its message, and what to do; empty where that says it."""
    if is_out_of_memory(error):
        detail = f" ({error})" if str(error) else ""
        return (
            BAD_DATA,
            f"{OUT_OF_MEMORY}{detail}",
            "What was finished is kept. Close other programs, give fewer --workers where there is "
            "such an option, or raise the limit of this process (ulimit -v, or its container's).",
        )
    if isinstance(error, AudiotlError):
        return error.exit_code, str(error), _where_we_are()
    if isinstance(error, OSError):
        where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        advice = "Make room; what was finished is kept, and the same command goes on there."
        advice = advice if error.errno in NO_ROOM else _where_we_are()
        return BAD_DATA, f"{where}{error.strerror or error}", advice
    message = f"{type(error).__name__}: {error}"
    return MISTAKE_HERE, message, "This should not happen; --debug shows where it did."


def check_memory() -> None:
    """Refuse to begin where SciPy and scikit-learn cannot be loaded.

    Their library OpenBLAS takes memory for every thread when it is loaded. Where it gets none it
    waits for ever, ends the process, or sends it the signal of Ctrl-C; so it gets one thread
    where there is little.

    Raises
    ------
    AudiotlError
        The process may have too little memory.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < MIN_ADDRESS_SPACE:
        raise AudiotlError(
            f"{OUT_OF_MEMORY}: this process may have {limit >> 20} MiB (ulimit -v), expected "
            f"{MIN_ADDRESS_SPACE >> 20} MiB at least, and 3 GiB where TensorFlow runs a network"
        )
    if limit != resource.RLIM_INFINITY and limit < SMALL_ADDRESS_SPACE:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _where_we_are() -> str:
    """Say that the current folder is gone, if it is: nothing is found in it then."""
    try:
        Path.cwd()
    except OSError:
        return "The current folder was deleted, or cannot be read; change to another one (cd)."
    return ""
