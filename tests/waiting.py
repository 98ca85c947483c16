"""Wait for what another thread or process does, and no longer."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(done: Callable[[], object], patience_s: float = 60.0) -> None:
    """Wait for something to become true; fail when that takes too long."""
    deadline = time.monotonic() + patience_s
    while not done():
        assert time.monotonic() < deadline, "that takes too long"
        time.sleep(0.005)
