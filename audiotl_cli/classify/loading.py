"""From the bytes of a model file to objects: only what is allowed, or what is trusted by name."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from audiotl_cli.classify.allowed import NAMES, check
from audiotl_cli.classify.compiled import RefusedError
from audiotl_cli.classify.linear import linear_content
from audiotl_cli.classify.outline import PIPELINE, Made, Name, Outline, outline, unpacked
from audiotl_cli.classify.skops_file import SUFFIX, make, outline_skops
from audiotl_cli.errors import ArtifactError, DataError, UsageError
from audiotl_cli.files import open_regular

MOST_BYTES = 4 * 1024**3
"""Of a model file: more than the frames of 100 hours kept by nearest neighbours."""

_OURS = {"audiotl_cli", "joblib", "numpy", "sklearn"}


def parse_trust(trust: str | Sequence[str]) -> frozenset[str]:
    """Return the digests in texts such as ``sha256:`` and 64 hexadecimal digits.

    Raises
    ------
    UsageError
        A text is no such thing.
    """
    texts = [trust] if isinstance(trust, str) else trust
    for text in texts:
        if not re.fullmatch("sha256:[0-9a-fA-F]{64}", text):
            raise UsageError(
                f"--trust is {text!r}, expected sha256: and 64 hexadecimal digits, as audiotl "
                "model inspect shows them"
            )
    return frozenset(text.removeprefix("sha256:").lower() for text in texts)


def read_packed(path: Path) -> bytes:
    """Return the bytes of a model file, unless there are far too many.

    Raises
    ------
    DataError
        There is no such file.
    ArtifactError
        It is larger than `MOST_BYTES`.
    """
    try:
        opened = open_regular(path)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise DataError(f"{path}: no such model; make one with: audiotl train") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from error
    with opened as file:
        # a limit of so many bytes would be taken from memory before any is read
        packed = file.read() if path.stat().st_size <= MOST_BYTES else None
    if packed is None:
        raise ArtifactError(f"{path} is not a model saved by audiotl (more than 4 GiB)")
    return packed


def unusual_in(found: Outline) -> str:
    """Return what a file holds that no model does, or why it is none; empty if it is one."""
    strange = [name for name in found.names if name not in NAMES]
    if strange:
        return ", ".join(say(name) for name in strange[:3]) + (" ..." if strange[3:] else "")
    if found.problem:
        return found.problem
    try:
        check(found.content)
    except (RefusedError, RecursionError) as error:
        return str(error)
    except Exception as error:  # what is crafted fails in any way
        return repr(error)
    return ""


def say(name: Name) -> str:
    """Return a name in one line, whatever it is made of."""
    text = ".".join(name)
    return (text if text.isprintable() else ascii(text))[:100]


def outline_of(path: Path, packed: bytes) -> Outline:
    """Tell what a model file would make, whatever its form."""
    return outline_skops(packed) if is_skops(path, packed) else outline(packed)


def is_skops(path: Path, packed: bytes) -> bool:
    """Return whether a file is one of skops', by its name or how it begins.

    What is called one is taken for one, and never for a pickle.
    """
    return path.suffix.lower() == SUFFIX or packed[:4] == b"PK\3\4"


def load_content(
    path: Path, packed: bytes, trusted: Collection[str], *, light: bool = False
) -> Any:
    """Return what is in a model file: a dictionary.

    With `light`, the pipeline of a linear model is a `LinearPipeline`, and scikit-learn is not
    imported.

    Raises
    ------
    ArtifactError
        It is no model, holds what models do not hold and is not among the `trusted`, or was
        made by another version of scikit-learn.
    """
    digest = hashlib.sha256(packed).hexdigest()
    zipped = is_skops(path, packed)
    judged = zipped or digest not in trusted
    found = outline_of(path, packed) if judged else Outline()
    if judged:
        if light and (content := linear_content(found)) is not None:
            return content
        cure = f"If you trust its maker: --trust sha256:{digest}"
        if zipped:
            cure = "A skops file is not loaded then, whether or not it is trusted"
        elif trusted:
            cure = f"--trust names another file. {cure}"
        _judge(path, found, cure)
    from sklearn.exceptions import InconsistentVersionWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", InconsistentVersionWarning)
            if zipped:
                return make(found.content)
            return _load_allowed(packed) if judged else _load_trusted(packed)
    except InconsistentVersionWarning as error:
        raise ArtifactError(_other_version(path, error.original_sklearn_version)) from error
    except Exception as error:  # a damaged pickle fails in any way
        raise ArtifactError(f"{path} is not a model saved by audiotl ({error!r})") from error


def _judge(path: Path, found: Outline, cure: str) -> None:
    import sklearn

    others = sorted(found.versions - {sklearn.__version__})
    if others and {module.partition(".")[0] for module, _ in found.names} <= _OURS:
        raise ArtifactError(_other_version(path, others[0]))
    strange = any(name not in NAMES for name in found.names)
    if found.problem and not strange:
        raise ArtifactError(f"{path} is not a model saved by audiotl ({found.problem})")
    content = found.content
    if not strange and not (isinstance(content, dict) and {"format", "card"} <= content.keys()):
        raise ArtifactError(f"{path} is not a model saved by audiotl (it has no card)")
    if unusual := unusual_in(found):
        raise ArtifactError(
            f"{path} holds {unusual}, which no model made by audiotl holds: loading it could run "
            f"its maker's code. {cure}"
        )
    pipeline = content.get("pipeline")
    if pipeline is not None and not (isinstance(pipeline, Made) and pipeline.what == PIPELINE):
        raise ArtifactError(f"{path} is not a model saved by audiotl (it has no pipeline)")


def _other_version(path: Path, version: str) -> str:
    import sklearn

    return (
        f"{path} was made with scikit-learn {version}, this is {sklearn.__version__}: "
        "train it again, or install that version"
    )


def _load_trusted(packed: bytes) -> Any:
    import joblib

    return joblib.load(io.BytesIO(packed))


def _load_allowed(packed: bytes) -> Any:
    """Load what was judged; should the judgement have a hole, no other name is looked up."""
    from joblib.numpy_pickle import NumpyUnpickler

    class Allowed(NumpyUnpickler):  # type: ignore[misc]
        def find_class(self, module: str, name: str) -> Any:
            if (module, name) not in NAMES:
                raise RefusedError(f"{module}.{name}")
            return super().find_class(module, name)

    with unpacked(packed) as stream:
        return Allowed("", stream, ensure_native_byte_order=True).load()
