"""See how often a network's own classes name the sounds of ESC-10.

``python -m benchmarks.ready_labels FOLDER [--network NAME] [--top-k N]``: ``audiotl tag``
labels the recordings in FOLDER, which has a folder a label as ESC-10 has. Prints for each label the
share of its recordings that have a class of that meaning as the first, and among the first N.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from benchmarks.corpus import REPOSITORY

MEANINGS = {
    "Dog bark": ("Dog", "Bark"),
    "Rain": ("Rain",),
    "Sea waves": ("Waves, surf", "Ocean"),
    "Baby cry": ("Baby cry, infant cry",),
    "Clock tick": ("Tick-tock", "Tick", "Clock"),
    "Person sneeze": ("Sneeze",),
    "Helicopter": ("Helicopter",),
    "Chainsaw": ("Chainsaw",),
    "Rooster": ("Chicken, rooster", "Crowing, cock-a-doodle-doo"),
    "Fire crackling": ("Fire", "Crackle"),
}
"""Classes of AudioSet that mean what a folder of ESC-10 does, by the end of the folder's name."""


def measure(folder: Path, network: str, top_k: int) -> dict[str, list[tuple[bool, bool]]]:
    """Return for each recording of a label whether its class is the first, and in the best."""
    command = [sys.executable, "-P", "-m", "audiotl_cli", "tag", str(folder)]
    done = subprocess.run(
        [*command, "--network", network, "--top-k", str(top_k), "--json", "--quiet"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    if done.returncode:
        raise SystemExit(done.stderr.strip())
    found = defaultdict(list)
    for tagged in json.loads(done.stdout):
        label = Path(tagged["path"]).parent.name
        label, meant = next(item for item in MEANINGS.items() if label.endswith(item[0]))
        best = list(tagged["scores"])
        found[label].append((best[0] in meant, not set(meant).isdisjoint(best)))
    return found


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--network", default="yamnet")
    parser.add_argument("--top-k", type=int, default=5)
    given = parser.parse_args()
    found = measure(given.folder, given.network, given.top_k)
    every = [hits for recordings in found.values() for hits in recordings]
    print(f"{'label':16}{'n':>5}{'first':>8}{f'best {given.top_k}':>8}")
    for label, recordings in [*sorted(found.items()), ("all", every)]:
        first, best = (sum(hits) / len(recordings) for hits in zip(*recordings, strict=True))
        print(f"{label:16}{len(recordings):>5}{first:>8.3f}{best:>8.3f}")


if __name__ == "__main__":
    main()
