"""Tables for pandas, where it is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame


def data_frame(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> DataFrame:
    """Return a table with these columns, a row each.

    Raises
    ------
    ImportError
        pandas is not installed; says how to install it.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "to_frame needs pandas, which is not installed: pip install pandas"
        ) from error
    return pd.DataFrame(list(rows), columns=list(columns))


def score_columns(labels: Sequence[str], scores: Mapping[str, float]) -> dict[str, float]:
    """Return the scores of labels as cells, by the names of their columns."""
    return {f"score:{label}": scores[label] for label in labels if label in scores}
