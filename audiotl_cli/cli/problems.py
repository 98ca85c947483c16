"""Turn an error into an exit code, a message and advice."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from audiotl_cli.errors import OUT_OF_MEMORY, AudiotlError, is_out_of_memory

BAD_DATA = 3
BUG = 70

MIN_ADDRESS_SPACE, SMALL_ADDRESS_SPACE = 1 << 30, 2 << 30  # bytes

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def explain(error: Exception) -> tuple[int, str, str]:
    """Return the exit code of an error, its message, and advice, which may be empty."""
    if is_out_of_memory(error):
        detail = f" ({error})" if str(error) else ""
        return (
            BAD_DATA,
            f"{OUT_OF_MEMORY}{detail}",
            "Finished work is kept. Close other programs, reduce --workers if the command has "
            "it, or raise the memory limit of this process (ulimit -v) or of its container.",
        )
    if isinstance(error, AudiotlError):
        return error.exit_code, str(error), _advise_on_folder()
    if isinstance(error, OSError):
        name = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        advice = "Free some disk space and run the same command again; finished work is kept."
        advice = advice if error.errno in NO_ROOM else _advise_on_folder()
        return BAD_DATA, f"{name}{error.strerror or error}", advice
    message = f"{type(error).__name__}: {error}"
    advice = "This is a bug in audiotl; please report it with the traceback that --debug shows."
    return BUG, message, advice


def check_memory() -> None:
    """Refuse to start with too little memory to load SciPy and scikit-learn.

    Their library OpenBLAS allocates memory for every thread when it is loaded. If that fails, it
    hangs, aborts, or sends SIGINT to the process; so it uses one thread when memory is scarce.

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
            f"{OUT_OF_MEMORY}: this process is limited to {limit >> 20} MiB (ulimit -v); it "
            f"needs at least {MIN_ADDRESS_SPACE >> 20} MiB, or 3 GiB to run a network with "
            "TensorFlow"
        )
    if limit != resource.RLIM_INFINITY and limit < SMALL_ADDRESS_SPACE:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _advise_on_folder() -> str:
    """Return advice if the current folder no longer exists, since no file can be found then."""
    try:
        Path.cwd()
    except OSError:
        return "The current folder was deleted or cannot be read; change to another folder (cd)."
    return ""
