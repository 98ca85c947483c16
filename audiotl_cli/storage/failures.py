"""What goes wrong with object storage, said for people."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from audiotl_cli.errors import AudiotlError, StorageError, UsageError

# libraries of storages raise types of their own, which are not to be loaded to be named here
NO_CREDENTIALS = {
    "NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError",
    "ProfileNotFound", "TokenRetrievalError", "SSOTokenLoadError", "UnauthorizedSSOTokenError",
    "DefaultCredentialsError",
}  # fmt: skip
NO_NETWORK = {
    "EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError",
    "HTTPClientError", "ProxyConnectionError", "SSLError", "ClientConnectionError",
    "ClientPayloadError", "ServerTimeoutError", "FSTimeoutError", "gaierror",
}  # fmt: skip
NO_SUCH_NAME = {"ParamValidationError", "UnicodeEncodeError"}
"""What is raised of a name that no object of the storage can have: the others are not concerned."""
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}


@contextmanager
def told(url: str) -> Iterator[None]:
    """Turn whatever a storage's library raises into the errors of this program.

    Raises
    ------
    OSError
        About this one object: it is not there, or may not be used; says where.
    StorageError
        The storage cannot be reached, fails, or there are no credentials for it.
    UsageError
        What is needed for it is not installed.
    """
    try:
        yield
    except (AudiotlError, MemoryError):
        raise
    except Exception as error:  # every storage has types of its own
        raise translate(error, url) from error


def reason(error: Exception) -> str:
    """Return what to say of an error where the file it is about is named already."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def translate(error: Exception, url: str) -> Exception:
    """Return the error of this program for one of a storage's library."""
    text = " ".join(reason(error).split()) or type(error).__name__
    scheme = url.partition("://")[0]
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, ImportError):
        need = "pip install 'audiotl[s3]'" if scheme in ("s3", "s3a") else text
        return UsageError(f"{url}: what reads {scheme}:// is not installed: {need}")
    if isinstance(error, FileNotFoundError):
        bucket = "bucket" in text and "does not exist" in text
        what = "there is no such bucket; make it, or correct its name" if bucket else "no such file"
        return FileNotFoundError(errno.ENOENT, what, url)
    if isinstance(error, PermissionError):
        return PermissionError(
            errno.EACCES, f"access denied ({text}); check the credentials and their rights", url
        )
    if kinds & NO_SUCH_NAME:
        return OSError(errno.EINVAL, f"no object can have this name ({text[:80]})", url)
    if kinds & NO_CREDENTIALS:
        return StorageError(
            f"{url}: no credentials ({text}); set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
            "AWS_PROFILE (for a bucket that is open to all, FSSPEC_S3_ANON=true)"
        )
    if kinds & NO_NETWORK or isinstance(error, ConnectionError | TimeoutError):
        return StorageError(
            f"{url}: the storage cannot be reached ({text}); check the network and, for a storage "
            "of your own, AWS_ENDPOINT_URL"
        )
    if isinstance(error, OSError) and error.errno in NO_ROOM:  # on this machine's disk
        return OSError(error.errno, text, url)
    kind = "" if isinstance(error, OSError) else f"{type(error).__name__}: "
    return StorageError(f"{url}: the storage refuses, or fails ({kind}{text})")
