"""Parse ``--trust``: the digests of files that the user trusts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from audiotl_cli.errors import UsageError


def parse_trust(trust: str | Sequence[str]) -> frozenset[str]:
    """Return the digests in texts of the form ``sha256:`` and 64 hexadecimal digits.

    Raises
    ------
    UsageError
        A text has another form.
    """
    texts = [trust] if isinstance(trust, str) else trust
    for text in texts:
        if not re.fullmatch("sha256:[0-9a-fA-F]{64}", text):
            raise UsageError(
                f"--trust is {text!r}, expected sha256: and 64 hexadecimal digits, as shown by "
                "audiotl model inspect"
            )
    return frozenset(text.removeprefix("sha256:").lower() for text in texts)
