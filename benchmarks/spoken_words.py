"""Write words spoken by espeak-ng: ten words by eight voices, at two speeds and two pitches.

``python -m benchmarks.spoken_words FOLDER``: one folder a word; the group of a clip is its voice,
which begins its name. The same version of espeak-ng gives the same files.
"""

from __future__ import annotations

import subprocess
import sys
from itertools import product
from pathlib import Path

from audiotl_cli.programs import find_program

WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
VOICES = (
    *("en-gb", "en-gb-scotland", "en-029", "en-us"),
    *("en-us+f2", "en-us+f4", "en-us+m3", "en-gb-scotland+f5"),
)
WORDS_A_MINUTE = (130, 190)
PITCHES = (35, 65)
GROUP = "/(.+)_"
"""The regular expression that finds the voice in a path."""


def write_words(folder: Path) -> None:
    """Write the recordings that are not there yet.

    Raises
    ------
    SystemExit
        espeak-ng is not installed, or fails.
    """
    program = find_program("espeak-ng")
    if program is None:
        raise SystemExit("espeak-ng is not installed")
    for word, voice, rate, pitch in product(WORDS, VOICES, WORDS_A_MINUTE, PITCHES):
        path = folder / word / f"{voice}_{rate}-{pitch}.wav"
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        options = ["-v", voice, "-s", str(rate), "-p", str(pitch), "-w", str(path)]
        ended = subprocess.run(
            [program, *options, "--", word], capture_output=True, text=True, check=False
        )
        if ended.returncode:
            raise SystemExit(f"espeak-ng: {ended.stderr.strip()}")


if __name__ == "__main__":
    write_words(Path(sys.argv[1]))
