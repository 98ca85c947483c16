"""Everything audiotl raises on purpose, each with the exit code of the process it ends.

A message says what was found, what was expected, in which file, and what to do.
"""

from __future__ import annotations


class AudiotlError(Exception):
    """Base of all errors a user can cause or cure."""

    exit_code = 3


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


class StorageError(AudiotlError):
    """Object storage cannot be reached, fails, or there are no credentials for it."""

    exit_code = 4


class ClusterError(AudiotlError):
    """A cluster cannot be reached, has no workers, or has some that do not fit."""

    exit_code = 4


class ArtifactError(AudiotlError):
    """A saved model cannot be trusted or does not fit this installation."""

    exit_code = 5
