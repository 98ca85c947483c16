"""Extractors whose weights are in a file that the user may replace."""

from __future__ import annotations

import abc

from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.runtime import limit_threads
from audiotl_cli.extractors.weights import FoundWeights


class WeightedExtractor(Extractor):
    """An extractor with weights: the published file, or one of the user's own.

    A subclass finds them in `_found`.

    The setting `weights` is a file in the published layout; None is the published one.
    """

    parallel = True
    takes_weights = True

    @property
    @abc.abstractmethod
    def _found(self) -> FoundWeights:
        """The weights in use; raises `WeightsError` if there are none."""

    def weights_id(self) -> tuple[str, str]:
        return self._found.identity, self._found.label

    def use_threads(self, n_threads: int) -> None:
        limit_threads(n_threads)
