"""Connected components of a graph."""

from __future__ import annotations

from collections.abc import Iterable


def component_numbers(n: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Return the number of the component of every node, 0 for that of the first node.

    This does not use SciPy, because importing it would take longer than the computation.

    Parameters
    ----------
    n : int
        Nodes are 0 to n - 1.
    pairs : iterable of (int, int)
        Nodes that are connected.
    """
    parent = list(range(n))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]
        return node

    for a, b in pairs:
        first, second = sorted((root(a), root(b)))
        parent[second] = first
    numbers: dict[int, int] = {}
    return [numbers.setdefault(root(node), len(numbers)) for node in range(n)]


def components(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return the nodes of every component that has a pair, each list sorted, by first node."""
    known = list(pairs)
    nodes = sorted({node for pair in known for node in pair})
    position = {node: i for i, node in enumerate(nodes)}
    numbers = component_numbers(len(nodes), ((position[a], position[b]) for a, b in known))
    found: list[list[int]] = [[] for _ in set(numbers)]
    for node, number in zip(nodes, numbers, strict=True):
        found[number].append(node)
    return found
