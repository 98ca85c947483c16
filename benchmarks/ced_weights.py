"""CED's network with random weights, only for measuring speed.

Dinkel et al., *CED: Consistent ensemble distillation for audio tagging*, ICASSP 2024: a vision
transformer of 12 blocks over tokens of 16 bands by 16 frames.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from audiotl_cli.extractors.audioset_classes import CLASS_NAMES
from audiotl_cli.extractors.ced import (
    N_MELS,
    PATCH_FRAMES,
    CedBase,
    CedMini,
    CedSmall,
    CedTiny,
)
from audiotl_cli.graph import Graph, Value

CED_SIZES = (CedTiny, CedMini, CedSmall, CedBase)
N_BLOCKS, HEAD, MAX_COLUMNS = 12, 64, 63


def write_ced(width: int, path: Path) -> None:
    """Write a network from levels (n, 64, n_frames) to probabilities (n, 527)."""
    network = _Network(Graph(), width)
    graph = network.graph
    levels = graph.input("feats", np.float32, ["n", N_MELS, "t"])
    x = network.tokens(levels)
    for _ in range(N_BLOCKS):
        x = graph.add("Add", x, network.attention(network.norm(x)))
        hidden = network.dense(network.norm(x), width, 4 * width)
        x = graph.add("Add", x, network.dense(network.gelu(hidden), 4 * width, width))
    pooled = graph.reduce("Mean", network.norm(x), 1, keep=False)
    logits = network.dense(network.norm(pooled), width, len(CLASS_NAMES))
    graph.output("prob", graph.add("Sigmoid", logits), np.float32, ["n", len(CLASS_NAMES)])
    path.write_bytes(graph.model({}))


class _Network:
    """The parts of the network."""

    def __init__(self, graph: Graph, width: int) -> None:
        self.graph, self.width = graph, width
        self._rng = np.random.default_rng(0)

    def tokens(self, levels: str) -> str:
        """Cut levels into tokens (n, n_tokens, width), each with its place in time and pitch."""
        maps = self.graph.add("Unsqueeze", levels, np.array([1]))
        kernel = self._random(self.width, 1, PATCH_FRAMES, PATCH_FRAMES)
        squares = self.graph.add("Conv", maps, kernel, strides=[PATCH_FRAMES, PATCH_FRAMES])
        n_columns = self.graph.add("Gather", self.graph.add("Shape", squares), np.array([3]))
        places = self.graph.add(
            "Slice",
            self._random(1, self.width, 1, MAX_COLUMNS),
            np.array([0]),
            n_columns,
            np.array([3]),
        )
        squares = self.graph.add("Add", squares, places)
        pitches = self._random(1, self.width, N_MELS // PATCH_FRAMES, 1)
        squares = self.graph.add("Add", squares, pitches)
        rows = self.graph.add("Reshape", squares, np.array([0, self.width, -1]))
        return self.graph.add("Transpose", rows, perm=[0, 2, 1])

    def attention(self, x: str) -> str:
        """Let every token attend to all others."""
        n_heads = self.width // HEAD
        together = self.dense(x, self.width, 3 * self.width)
        heads = self.graph.add("Reshape", together, np.array([0, 0, 3, n_heads, HEAD]))
        heads = self.graph.add("Transpose", heads, perm=[2, 0, 3, 1, 4])
        query, key, value = (self.graph.add("Gather", heads, np.array(i)) for i in range(3))
        key = self.graph.add("Transpose", key, perm=[0, 1, 3, 2])
        scaled = self.graph.add("Mul", query, np.float32(HEAD**-0.5))
        weights = self.graph.add("Softmax", self.graph.add("MatMul", scaled, key), axis=-1)
        mixed = self.graph.add("MatMul", weights, value)
        mixed = self.graph.add("Transpose", mixed, perm=[0, 2, 1, 3])
        joined = self.graph.add("Reshape", mixed, np.array([0, 0, self.width]))
        return self.dense(joined, self.width, self.width)

    def norm(self, x: str) -> str:
        """Normalise each token."""
        ones, zeros = np.ones(self.width, np.float32), np.zeros(self.width, np.float32)
        return self.graph.add("LayerNormalization", x, ones, zeros, epsilon=1e-6)

    def dense(self, x: str, n_in: int, n_out: int) -> str:
        """Multiply by a random matrix."""
        product = self.graph.add("MatMul", x, self._random(n_in, n_out))
        return self.graph.add("Add", product, np.zeros(n_out, np.float32))

    def gelu(self, x: str) -> str:
        """Multiply each value by the normal distribution up to it."""
        erf = self.graph.add("Erf", self.graph.add("Mul", x, np.float32(0.5**0.5)))
        share = self.graph.add("Add", erf, np.float32(1))
        return self.graph.add("Mul", self.graph.add("Mul", x, share), np.float32(0.5))

    def _random(self, *shape: int) -> Value:
        return 0.02 * self._rng.standard_normal(shape, np.float32)
