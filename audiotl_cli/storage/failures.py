"""Turn the errors of object storage into messages for users."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from audiotl_cli.errors import AudiotlError, StorageError, UsageError

# by name, because the libraries that define them are not imported here
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
def translated_errors(url: str) -> Iterator[None]:
    """Turn the errors that the library of a storage raises into those of audiotl.

    Raises
    ------
    OSError
        The object does not exist, or access is denied; the error names the URL.
    StorageError
        The storage cannot be reached or fails, or there are no credentials for it.
    UsageError
        A package that is needed for this storage is not installed.
    """
    try:
        yield
    except (AudiotlError, MemoryError):
        raise
    except Exception as error:  # the types depend on the storage
        raise translate(error, url) from error


def reason(error: Exception) -> str:
    """Return the text of an error without the name of the file."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def translate(error: Exception, url: str) -> Exception:
    """Return the error of audiotl for an error of the library of a storage."""
    text = " ".join(reason(error).split()) or type(error).__name__
    scheme = url.partition("://")[0]
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, ImportError):
        need = "pip install 'audiotl[s3]'" if scheme in ("s3", "s3a") else text
        return UsageError(f"{url}: the package that reads {scheme}:// is not installed: {need}")
    if isinstance(error, FileNotFoundError):
        bucket = "bucket" in text and "does not exist" in text
        message = "this bucket does not exist; create it, or correct its name"
        return FileNotFoundError(errno.ENOENT, message if bucket else "no such file", url)
    if isinstance(error, PermissionError):
        return PermissionError(
            errno.EACCES,
            f"access denied ({text}); check the credentials and their permissions",
            url,
        )
    if kinds & NO_SUCH_NAME:
        return OSError(errno.EINVAL, f"this is not a valid object name ({text[:80]})", url)
    if kinds & NO_CREDENTIALS:
        return StorageError(
            f"{url}: no credentials ({text}); set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
            "AWS_PROFILE (for a public bucket, FSSPEC_S3_ANON=true)"
        )
    if kinds & NO_NETWORK or isinstance(error, ConnectionError | TimeoutError):
        return StorageError(
            f"{url}: the storage cannot be reached ({text}); check the network and, for a server "
            "of your own, AWS_ENDPOINT_URL"
        )
    if isinstance(error, OSError) and error.errno in NO_ROOM:  # of a disk of this machine
        return OSError(error.errno, text, url)
    kind = "" if isinstance(error, OSError) else f"{type(error).__name__}: "
    return StorageError(f"{url}: the storage refused the request or failed ({kind}{text})")
