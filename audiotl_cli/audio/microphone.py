"""Sound from an input device, by the package sounddevice (extra ``live``)."""

from __future__ import annotations

import logging
import queue
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from audiotl_cli.audio.channels import mix_down
from audiotl_cli.audio.types import Waveform
from audiotl_cli.errors import AudioError, AudiotlError

logger = logging.getLogger(__name__)

BLOCK_S = 0.25
BLOCKS_AHEAD = 120  # half a minute: so far can reading fall behind before sound is lost
SILENT_S = 10.0
"""Seconds without sound after which a device counts as disconnected."""


@contextmanager
def open_microphone(device: str | None = None) -> Generator[tuple[Iterator[Waveform], int]]:
    """Record from a device.

    Parameters
    ----------
    device : str or None
        Its number or a part of its name; None is the system's choice.

    Yields
    ------
    blocks : iterator of float32 (n_samples,)
        Blocks of `BLOCK_S` seconds, without end. If sound comes faster than it is read, some is
        left out, with a warning.
    rate : int
        Sample rate of the device, Hz.

    Raises
    ------
    AudiotlError
        The package, its library PortAudio, or a device is missing.
    AudioError
        While recording: the device sends no more sound.
    """
    sounddevice = _import()
    chosen = int(device) if device is not None and device.isdecimal() else device
    blocks: queue.Queue[Waveform] = queue.Queue(BLOCKS_AHEAD)
    lost = 0

    def take(data: Any, n_frames: int, time: Any, status: Any) -> None:
        nonlocal lost
        try:
            blocks.put_nowait(np.array(data, np.float32))  # the device reuses the memory
        except queue.Full:
            lost += 1

    def read() -> Iterator[Waveform]:
        n_reported = 0
        while True:
            try:
                block = blocks.get(timeout=SILENT_S)
            except queue.Empty as error:
                raise AudioError(
                    f"gives no sound any more: nothing came for {SILENT_S:.0f} s", code="timeout"
                ) from error
            if lost > n_reported:
                logger.warning("%.1f s of sound were lost: it comes too fast", lost * BLOCK_S)
                n_reported = lost
            yield mix_down(block)

    try:
        found = sounddevice.query_devices(chosen, "input")
        rate = round(found["default_samplerate"])
        stream = sounddevice.InputStream(
            device=chosen,
            samplerate=rate,
            channels=1,
            dtype="float32",
            blocksize=round(rate * BLOCK_S),
            callback=take,
        )
        stream.start()
    except (ValueError, sounddevice.PortAudioError) as error:
        asked = "no input device" if device is None else f"no input device {device!r}"
        there = [
            f"{number}: {info['name']}"
            for number, info in enumerate(sounddevice.query_devices())
            if info["max_input_channels"] > 0
        ]
        raise AudiotlError(
            f"{asked} can be opened ({error}); there are: {', '.join(there) or 'none'}"
        ) from error
    try:
        yield read(), rate
    finally:
        stream.close()


def _import() -> Any:
    try:
        import sounddevice
    except ImportError as error:
        raise AudiotlError(
            "recording needs the package sounddevice; install it with: pip install 'audiotl[live]'"
        ) from error
    except OSError as error:
        raise AudiotlError(
            f"recording needs PortAudio ({error}); install it, on Debian and Ubuntu with: "
            "apt install libportaudio2"
        ) from error
    return sounddevice
