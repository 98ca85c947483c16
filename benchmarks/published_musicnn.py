"""Time the published MusiCNN package; runs in its own environment, see `against_musicnn`.

Prints JSON: for each way of asking, the seconds a call takes for each file given. The first
two are the best of three calls; ``features`` is what gives embeddings, ``taggram`` the
least the package can do.
"""

from __future__ import annotations

import json
import sys
import time

from musicnn.extractor import extractor  # type: ignore[import-not-found]


def call(path: str, *, features: bool) -> float:
    """Return the seconds of one call, at a hop of 1 s."""
    started = time.perf_counter()
    extractor(path, model="MSD_musicnn", input_length=3, input_overlap=1, extract_features=features)
    return time.perf_counter() - started


def main() -> None:
    """Time every file, and print."""
    paths = sys.argv[1:]
    call(paths[0], features=False)  # imports what it imports late
    found = {
        name: [min(call(path, features=features) for _ in range(3)) for path in paths]
        for name, features in (("features", True), ("taggram", False))
    }
    print()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
