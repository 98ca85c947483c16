"""How long recordings are, by their headers."""

from __future__ import annotations

import json
import math
from pathlib import Path

from audiotl_cli.audio.decode import probe
from audiotl_cli.audio.isolated import Decoders
from audiotl_cli.audio.types import AudioSource
from audiotl_cli.audio.worker import Send
from audiotl_cli.storage.paths import AnyPath


def length_s(path: AnyPath, decoders: Decoders) -> float:
    """Return the length of a recording in seconds by its header, read in another process.

    Of a recording on object storage, only the header is fetched. The length is ``nan`` if the
    header does not state it, as in some streams.

    Raises
    ------
    AudioError
        The file is missing, empty, not audio, or crashes its decoder.
    """
    if not isinstance(path, Path):
        return probe(path).duration_s
    content = b"".join(part for part, _ in decoders.read(AudioSource(path), send_length))
    value = json.loads(content)
    return math.nan if value is None else float(value)


def send_length(source: AudioSource, send: Send) -> None:
    """Send the length of a recording as JSON; null if it is not known."""
    seconds = probe(source.path).duration_s
    send(json.dumps(None if math.isnan(seconds) else seconds).encode())
