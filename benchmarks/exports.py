"""Compare files of `audiotl model export --whole` with `audiotl extract`, on the same recording."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from audiotl_cli.extractors.registry import load_extractor
from audiotl_cli.graph import open_session
from benchmarks.machine import best_in_turn, best_of, in_own_process, n_cores
from benchmarks.parts import extract
from benchmarks.start import MODEL, run

SHORTEST_S, LONGEST_S = 10.0, 120.0
WHOLE = "whole.onnx"


def measure_export(network: str, project: Path, cache: Path | None) -> dict[str, Any]:
    """Export the model of a project, and compare it with the network in its default engine."""
    try:
        run(project, ["model", "export", MODEL, "--whole", "--output", WHOLE], cache)
        found = in_own_process(__name__, cache, network=network, folder=str(project))
    except RuntimeError as error:
        return {"skipped": str(error).splitlines()[0]}
    return {**found, "size_mb": (project / WHOLE).stat().st_size / 1e6}


def measure(network: str, folder: str) -> dict[str, Any]:
    """Run a file and an extraction on a recording that takes the file about a second."""
    model = load_extractor(network)
    model.use_threads(n_cores())
    session = open_session(Path(folder, WHOLE).read_bytes())
    noise = np.random.default_rng(0).normal(0, 0.1, int(LONGEST_S * model.sample_rate))
    waveform = noise.astype(np.float32)[: int(SHORTEST_S * model.sample_rate)]
    source = session.get_inputs()[0].name
    trial_s = best_of(lambda: session.run(None, {source: waveform}), at_least=2)
    audio_s = min(max(SHORTEST_S, SHORTEST_S / trial_s), LONGEST_S)
    waveform = noise.astype(np.float32)[: int(audio_s * model.sample_rate)]
    path = Path(folder, "noise.wav")
    soundfile.write(path, waveform, model.sample_rate)
    extract(model, [path])  # imports, weights, first batch
    walls = best_in_turn(
        {
            "extract": partial(extract, model, [path]),
            "whole": lambda: session.run(None, {source: waveform}),
        },
        at_least=1,
        spend_s=3.0,
    )
    rates = {name: audio_s / wall_s for name, wall_s in walls.items()}
    return {"audio_s": audio_s, "rates": rates, "times": walls["whole"] / walls["extract"]}
