"""Compare audiotl with the published MusiCNN package on the same files, hop and cores.

The package builds its graph and reads its weights anew at every call, so two files are
measured, a short and a long one, and the rate is that between them: what both begin with
falls out, for the package as for ours.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from audiotl_cli.extractors.registry import load_extractor
from benchmarks.arithmetic import marginal_rate
from benchmarks.corpus import write_joined
from benchmarks.machine import best_of, in_own_process, n_cores
from benchmarks.packages import Package
from benchmarks.parts import extract

MUSICNN = Package(
    "musicnn==0.1.0",
    ("tensorflow==2.15.1", "librosa==0.10.2.post1", "numpy==1.26.4", "soundfile==0.13.1"),
    "published_musicnn.py",
)


def compare_musicnn(recordings: list[Path], lengths_s: tuple[float, float]) -> dict[str, Any]:
    """Return the rates of the package and of audiotl, seconds of audio per second, and their ratio.

    Parameters
    ----------
    recordings : list of Path
        Joined to make the files.
    lengths_s : (float, float)
        Of the short and the long file.

    Raises
    ------
    UnavailableError
    """
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"{length:.0f}.wav") for length in lengths_s]
        for file, length in zip(files, lengths_s, strict=True):
            write_joined(recordings, file, length)
        seconds = MUSICNN.run(*files)
        paths = [str(file) for file in files]
        seconds["ours"] = in_own_process("benchmarks.against_musicnn", paths=paths)
    rates = {
        name: marginal_rate(*zip(lengths_s, walls, strict=True)) for name, walls in seconds.items()
    }
    return {
        "package": MUSICNN.pin,
        "lengths_s": lengths_s,
        "wall_s": seconds,
        "rates": rates,
        "ratio": rates["ours"] / rates["features"],
        "ratio_taggram": rates["ours"] / rates["taggram"],
    }


def measure(paths: list[str]) -> list[float]:
    """Return the seconds that audiotl takes to extract each file, the best of 3."""
    extractor = load_extractor("musicnn")
    extractor.use_threads(n_cores())
    extract(extractor, [Path(paths[0])])
    return [best_of(partial(extract, extractor, [Path(path)]), at_least=3) for path in paths]
