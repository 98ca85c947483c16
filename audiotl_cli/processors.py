"""How many processors this process may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")


def n_processors() -> int:
    """Return how many processors this process may use, at least one.

    The machine may have more: the process may be bound to some of them (``taskset``, a batch
    system), or its control group may have a quota (containers).
    """
    try:
        n = len(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # not available on this system
        n = os.cpu_count() or 1
    return max(1, min([n, *_quotas()]))


def _quotas() -> Iterator[int]:
    """Yield the quotas of this process's control groups, each rounded up to whole processors."""
    try:
        lines = OWN_CGROUPS.read_text().splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = CGROUPS / controllers  # version 2 names no controllers
        inside = PurePosixPath(path.lstrip("/"))
        # a container sees its own group at the root, whatever its path says
        for group in (inside, *inside.parents):
            quota = _quota(root / group)
            if quota:
                yield quota


def _quota(folder: Path) -> int:
    """Return the processors that one control group may use, 0 where it has no quota."""
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        return max(0, -(-int(quota) // int(period)))  # "max" and -1 are no quota
    except (OSError, ValueError, ZeroDivisionError):
        return 0


def machine_memory() -> int:
    """Return the bytes of memory that this process may have: the machine's, or its group's."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # no such question on this system
        memory = 8 << 30
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except (OSError, ValueError):
        return memory
    return min(memory, int(limit)) if limit.isdecimal() else memory
