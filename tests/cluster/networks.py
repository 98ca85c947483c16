"""Networks that workers import: one that takes its time, and one that some clips kill."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import numpy.typing as npt

from audiotl_cli.extractors.base import Patches
from tests.extractors.fake import FakeExtractor

POISON = 0.875
"""A sample of just this value kills the process that sees it."""


class SlowExtractor(FakeExtractor):
    """Takes a moment for every batch of windows."""

    pause_s = 0.01

    def forward(self, patches: Patches) -> npt.NDArray[np.float32]:
        time.sleep(self.pause_s)
        return super().forward(patches)


class DeadlyExtractor(FakeExtractor):
    """Dies of poison."""

    def forward(self, patches: Patches) -> npt.NDArray[np.float32]:
        if (patches == np.float32(POISON)).any():
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(patches)
