"""What is known of a network file, and which of its tensors may be embeddings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

Sizes = tuple[int | None, ...]
N_MIN = 2  # values of a vector


@dataclass(frozen=True)
class TensorInfo:
    """A tensor that a network takes or gives.

    Parameters
    ----------
    name, dtype : str
    shape : tuple of int or None, or None
        None for lengths that may vary, and for an unknown shape.
    note : str
        What speaks for it as an embedding.
    average_over : tuple of int
        The axes to average, where it is more than a vector.
    """

    name: str
    dtype: str
    shape: Sizes | None
    note: str = ""
    average_over: tuple[int, ...] = ()

    @property
    def is_vector(self) -> bool:
        """Return whether it is one vector of several values per window."""
        rest = self._rest()
        return len(rest) >= 1 and sum(size != 1 for size in rest) == 1 and self.dim >= N_MIN

    @property
    def dim(self) -> int:
        """The values of a vector; 0 if they are not known."""
        return max((size or 0 for size in self._rest()), default=0)

    def averaged_axes(self, channels: int) -> list[int]:
        """Return the axes to average to get a vector; empty if it is one, or is none at all.

        `channels` is the axis of channels in maps, which have four axes.
        """
        kept = {3: 2, 4: channels}.get(len(self.shape or ()))
        if kept is None or self.is_vector or (self.shape or ())[kept] in (None, 0, 1):
            return []
        return [axis for axis in range(1, len(self.shape or ())) if axis != kept]

    def _rest(self) -> Sizes:
        return (self.shape or ())[1:]


@dataclass(frozen=True)
class Described:
    """What the content of a network file is.

    Parameters
    ----------
    inputs, outputs : list of TensorInfo
    candidates : list of TensorInfo
        Tensors that may be embeddings, the likeliest first.
    inner : list of TensorInfo
        All tensors between them, in the order in which they are computed.
    n_operators : int
    opsets : dict
        Versions of the sets of operators.
    metadata : dict
        Text in the file.
    problem : str
        Why it cannot be used; empty if it can.
    """

    inputs: list[TensorInfo]
    outputs: list[TensorInfo]
    candidates: list[TensorInfo]
    inner: list[TensorInfo]
    n_operators: int
    opsets: dict[str, int]
    metadata: dict[str, str]
    problem: str = ""


@dataclass(frozen=True)
class NetworkFile:
    """A network file; see `Described` for what it holds."""

    path: str
    kind: str
    size: int
    sha256: str
    inputs: list[TensorInfo]
    outputs: list[TensorInfo]
    candidates: list[TensorInfo]
    inner: list[TensorInfo]
    n_operators: int
    opsets: dict[str, int]
    metadata: dict[str, str]
    problem: str


Reader = Callable[[bytes], Described]


def rank(
    tensors: Sequence[TensorInfo], outputs: Collection[str], before_matrix: str, channels: int
) -> list[TensorInfo]:
    """Return the tensors that may be embeddings, the likeliest first.

    Parameters
    ----------
    tensors : sequence of TensorInfo
        In the order in which they are computed.
    outputs : collection of str
    before_matrix : str
        What the last product with a matrix takes: of a classifier, its embedding.
    channels : int
        The axis of channels in maps.
    """
    marked = []
    for place, tensor in enumerate(tensors):
        axes = tensor.averaged_axes(channels)
        if tensor.dtype != "float32" or not (tensor.is_vector or axes):
            continue
        is_output = tensor.name in outputs
        before = tensor.name == before_matrix and tensor.is_vector
        order = 0 if before else 1 if is_output and tensor.is_vector else 2 if not axes else 3
        notes = [
            "before the last matrix product" if before else "",
            "output" if is_output else "",
            f"to be averaged over the axes {axes}" if axes else "",
        ]
        note = ", ".join(filter(None, notes))
        found = replace(tensor, note=note, average_over=tuple(axes))
        marked.append((order, -place, found))
    return [tensor for *_, tensor in sorted(marked, key=lambda mark: mark[:2])]
