"""The cache of networks that an engine has built.

A file holds the engine's data, a header in JSON, the length of the header in 8 bytes, and the
SHA-256 of all this. The header says what the network was built from. If a file is damaged, or was
built by other code or from other weights, the network is built again.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from audiotl_cli.errors import DataError
from audiotl_cli.extractors.cache import locked
from audiotl_cli.files import cache_folder, read_regular, write_whole
from audiotl_cli.json_files import parse_json_object

logger = logging.getLogger(__name__)

_DIGEST, _LENGTH = 32, 8  # bytes

MAX_HEADER_BYTES = 64 << 20


class Network(Protocol):
    """What a network is recognised by; see `operations.Network`."""

    @property
    def name(self) -> str: ...
    @property
    def weights(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...


@dataclass(frozen=True)
class NetworkId:
    """What a network is recognised by."""

    name: str
    weights: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Built:
    """A network in the format of an engine.

    Parameters
    ----------
    header : dict
        JSON values.
    data : bytes
        The beginning of the file.
    """

    header: dict[str, Any]
    data: bytes


def built(network: Network, engine: str, build: Callable[[], Built]) -> tuple[Path, Built]:
    """Return a built network and its file; build it if it is not in the cache.

    Raises
    ------
    WeightsError
        The cache cannot be written.
    """
    # one file for each network and its weights, so that outdated files are overwritten
    weights = network.weights.removeprefix("sha256:")[:12]
    path = cache_folder() / "built" / f"{network.name}-{weights}.{engine}"
    made_from = [network.name, network.weights, *network.shape, engine, _code()]
    if found := _read(path, made_from):
        return path, found
    with locked(path):
        # another process may have built it in the meantime
        if found := _read(path, made_from):
            return path, found
        if path.exists():
            logger.info("%s is damaged or out of date and is built again", path)
        fresh = build()
        _write(path, fresh, made_from)
    return path, fresh


def _read(path: Path, made_from: list[Any]) -> Built | None:
    try:
        content = read_regular(path)
    except OSError:
        return None
    view = memoryview(content)
    if hashlib.sha256(view[:-_DIGEST]).digest() != content[-_DIGEST:]:
        return None
    end = len(content) - _DIGEST - _LENGTH
    start = end - int.from_bytes(view[end : end + _LENGTH], "little")
    try:
        noted = parse_json_object(content[start:end], max_bytes=MAX_HEADER_BYTES)
        return Built(noted["header"], content) if noted["made_from"] == made_from else None
    except (DataError, LookupError):
        return None


def _write(path: Path, fresh: Built, made_from: list[Any]) -> None:
    noted = json.dumps({"made_from": made_from, "header": fresh.header}).encode()
    content = fresh.data + noted + len(noted).to_bytes(_LENGTH, "little")
    write_whole(path, content + hashlib.sha256(content).digest())


@cache
def _code() -> str:
    """Return the SHA-256 of the code of all extractors, so that other code builds anew."""
    state = hashlib.sha256()
    for file in sorted(Path(__file__).parents[1].rglob("*.py")):
        state.update(file.read_bytes())
    return state.hexdigest()
