"""Play clips: by the package sounddevice (extra ``live``), or by a player of the system."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiotl_cli.errors import AudiotlError

if TYPE_CHECKING:
    from audiotl_cli.audio.types import AudioSource, Waveform

RATE = 48_000  # Hz; supported by every sound card
MAX_PLAY_S = 60.0
"""Longest part of a clip that is played, in seconds."""

PLAYERS = (
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "quiet"),
    ("afplay",),
    ("paplay",),
    ("aplay", "-q"),
)
"""Programs, with the options that make them play a WAV file silently on the terminal."""


def play(source: AudioSource) -> None:
    """Play the first minute of a clip, and return when it is over.

    Raises
    ------
    AudioError
        The clip cannot be decoded.
    AudiotlError
        There is no player, or it fails.
    """
    sounddevice = _sounddevice()
    command = None if sounddevice else _find_player()
    if sounddevice is None and command is None:
        names = ", ".join(name for name, *_ in PLAYERS)
        raise AudiotlError(
            f"no audio player was found: none of {names} is on PATH, and the package "
            "sounddevice is not installed; install it with: pip install 'audiotl[live]'"
        )
    waveform = _decode(source)
    if sounddevice is not None:
        _play_by_package(sounddevice, waveform)
    elif command is not None:
        _play_by_program(command, waveform)


def find_program(name: str) -> str | None:
    """Return the full path of a program on PATH, never one that lies in the current folder."""
    folders = [
        folder
        for folder in os.environ.get("PATH", "").split(os.pathsep)
        if Path(folder).is_absolute() and Path(folder).resolve() != Path.cwd()
    ]
    found = shutil.which(name, path=os.pathsep.join(folders)) if folders else None
    # on Windows the current folder is searched whatever PATH says
    return None if found is None or Path(found).resolve().parent == Path.cwd() else found


def _find_player() -> list[str] | None:
    for name, *options in PLAYERS:
        if program := find_program(name):
            return [program, *options]
    return None


def _sounddevice() -> Any:
    """Return the package, or None where it or its library is missing, or there is no device."""
    try:
        import sounddevice

        return sounddevice if sounddevice.query_devices(kind="output") else None
    except (ImportError, OSError, ValueError):
        return None
    except Exception as error:
        if type(error).__name__ == "PortAudioError":
            return None
        raise


def _decode(source: AudioSource) -> Waveform:
    """Return the first minute of a clip."""
    from contextlib import closing

    import numpy as np

    from audiotl_cli.audio.isolated import Decoders

    blocks, n_samples = [np.empty(0, np.float32)], 0
    with Decoders() as decoders, closing(decoders.read_blocks_at(source, RATE, "soxr")) as decoded:
        for block in decoded:
            blocks.append(block)
            n_samples += len(block)
            if n_samples >= MAX_PLAY_S * RATE:
                break
    return np.concatenate(blocks)[: round(MAX_PLAY_S * RATE)]


def _play_by_package(sounddevice: Any, waveform: Waveform) -> None:
    try:
        sounddevice.play(waveform, RATE)
        sounddevice.wait()
    except sounddevice.PortAudioError as error:
        raise AudiotlError(f"the sound cannot be played: {error}") from error
    finally:
        sounddevice.stop()


def _play_by_program(command: list[str], waveform: Waveform) -> None:
    import soundfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.wav")
        soundfile.write(path, waveform, RATE, subtype="PCM_16")
        try:
            done = subprocess.run(
                [*command, str(path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=folder,
                check=False,
            )
        except OSError as error:
            raise AudiotlError(f"{command[0]} cannot be started ({error.strerror})") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        reason = f": {said[-1]}" if said else ""
        raise AudiotlError(f"{command[0]} ended with exit code {done.returncode}{reason}")
