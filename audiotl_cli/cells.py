"""Write CSV tables whose cells no spreadsheet computes as formulas, and read them back."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

_SIGNS = "=+@\\-\uff1d\uff0b\uff0d\uff20"  # as some keyboards have them, too
_SOME_SIGN = re.compile(rf"[{_SIGNS}\t\r]")
_BEGIN = r"((?:^|[,;\t\r\n])[ \v\f\xa0\"']*)"
_FORMULA = re.compile(rf"{_BEGIN}([{_SIGNS}])|^('*)(?=[\t\r])")
_SAFE_FORMULA = re.compile(rf"{_BEGIN}'([{_SIGNS}])|^('*)'(?=[\t\r])")


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as CSV, with text escaped that a spreadsheet would take for a formula."""
    text = io.StringIO()
    csv.writer(text).writerows([safe_cell(value) for value in row] for row in rows)
    return text.getvalue()


def safe_cell(value: object) -> object:
    """Return a cell that no spreadsheet computes as a formula; `plain_cell` reverses this.

    Spreadsheets split a line at commas, semicolons or tabs, as the language of the system has
    it, whatever a file is written with. So a ``'`` is put before the sign of a formula wherever
    a cell could begin with it: ``a;=b`` becomes ``a;'=b``.
    """
    if isinstance(value, str):
        if not _SOME_SIGN.search(value):  # most cells, and much sooner
            return value
        return _FORMULA.sub(r"\1\3'\2", value)
    return "" if value is None else value


def plain_cell(text: str) -> str:
    """Return the text that `safe_cell` escaped; other text is returned unchanged."""
    return _SAFE_FORMULA.sub(r"\1\3\2", text) if "'" in text else text
