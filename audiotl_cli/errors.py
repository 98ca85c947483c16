"""Everything audiotl raises on purpose, each with the exit code of the process it ends.

A message says what was found, what was expected, in which file, and what to do.
"""

from __future__ import annotations

import errno


class AudiotlError(Exception):
    """Base of all errors a user can cause or cure."""

    exit_code = 3


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory, or what else a process may have, ran short.

    Nothing can be said then of the file that was being read.
    """
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    if isinstance(error, ImportError):  # a library that did not fit
        return any(text in str(error) for text in ("failed to map", "annot allocate memory"))
    return isinstance(error, RuntimeError) and "can't start new thread" in str(error)


OUT_OF_MEMORY = "there is not enough memory"


class UsageError(AudiotlError):
    """The command was asked for something that does not fit together."""

    exit_code = 2


class DataError(AudiotlError):
    """An index, feature store or folder does not hold what it should."""


class AudioError(AudiotlError):
    """One recording cannot be used, or what came of it cannot be put where it belongs.

    Parameters
    ----------
    message : str
    code : str
        One of the short codes reports carry: ``missing``, ``unreadable``, ``empty``,
        ``cut_short``, ``not_finite``, ``bad_rate``, ``crashed``, ``timeout``, ``failed``,
        ``exists``, ``not_sorted``.
    stage : str
        Where it went wrong: ``open``, ``decode``, ``embed``, ``write`` or ``sort``.
    """

    def __init__(self, message: str, *, code: str = "unreadable", stage: str = "decode") -> None:
        super().__init__(message)
        self.code = code
        self.stage = stage


class FetchError(AudiotlError):
    """Something could not be fetched: no network, or another file than expected came."""

    exit_code = 4


class WeightsError(FetchError):
    """A network's weights are missing, damaged or could not be fetched."""


class LicenceError(WeightsError):
    """The licence of a network must be accepted first."""

    def __init__(self, message: str, network: str) -> None:
        super().__init__(message)
        self.network = network


class StorageError(AudiotlError):
    """Object storage cannot be reached, fails, or there are no credentials for it."""

    exit_code = 4


class ClusterError(AudiotlError):
    """A cluster cannot be reached, has no workers, or has some that do not fit."""

    exit_code = 4


class ArtifactError(AudiotlError):
    """A model is damaged or does not fit here, or a file names a program that is not trusted."""

    exit_code = 5
