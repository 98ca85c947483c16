"""Scale the square roots of features, all of an extractor by one factor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin  # noqa: TID253
from sklearn.preprocessing import StandardScaler  # noqa: TID253

from audiotl_cli.classify.linear import signed_root


class RootScaler(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Take square roots, keeping signs; centre every feature; scale all of them alike.

    The root tames features of a network that are nearly always small and at times very large
    (Perronnin, F. et al. (2010). Improving the Fisher kernel for large-scale image
    classification. ECCV). With one factor, a feature that hardly moves stays small, where
    standardising would make it as large as the others.

    Parameters
    ----------
    widths : sequence of int
        How many columns belong to each extractor; each has a factor of its own, after which its
        features have a variance of 1 on average. Empty for one extractor.
    """

    def __init__(self, widths: Sequence[int] = ()) -> None:
        self.widths = widths

    def fit(self, X: npt.NDArray[Any], y: Any = None) -> Self:
        """Learn means and factors."""
        self.__dict__.pop("scaler_", None)
        return self.partial_fit(X)

    def partial_fit(self, X: npt.NDArray[Any], y: Any = None) -> Self:
        """Learn means and factors from some more rows."""
        if not hasattr(self, "scaler_"):
            self.scaler_ = StandardScaler()
        self.scaler_.partial_fit(signed_root(X))
        self.n_features_in_ = X.shape[1]
        widths = self.widths or [X.shape[1]]
        parts = np.split(self.scaler_.var_, np.cumsum(widths)[:-1])
        factors = np.sqrt([part.mean() for part in parts])
        self.scaler_.scale_ = np.repeat(np.where(factors > 0, factors, 1.0), widths)
        return self

    def transform(self, X: npt.NDArray[Any], copy: bool | None = None) -> npt.NDArray[Any]:
        """Return rows (n_rows, n_features), scaled; `copy` as for `StandardScaler`."""
        scaled: npt.NDArray[Any] = self.scaler_.transform(signed_root(X), copy=False)
        return scaled
