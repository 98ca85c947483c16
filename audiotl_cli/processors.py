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
    quotas = [quota for group in _groups("cpu") if (quota := _quota(group))]
    return max(1, min([n, *quotas]))


def machine_memory() -> int:
    """Return the bytes of memory that this process may have: the machine's, or its group's."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # no such question on this system
        memory = 8 << 30
    limits = [limit for group in _groups("memory") if (limit := _memory_limit(group))]
    return min([memory, *limits])


def _groups(controller: str) -> Iterator[Path]:
    """Yield the folders of this process's control groups that limit one kind of thing."""
    try:
        lines = OWN_CGROUPS.read_text().splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and controller not in controllers.split(","):
            continue
        root = CGROUPS / controllers  # version 2 names no controllers
        inside = PurePosixPath(path.lstrip("/"))
        # a container sees its own group at the root, whatever its path says
        for group in (inside, *inside.parents):
            yield root / group


def _quota(folder: Path) -> int:
    """Return the processors that one control group may use, rounded up; 0 where it has no quota."""
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        return max(0, -(-int(quota) // int(period)))  # "max" and -1 are no quota
    except (OSError, ValueError, ZeroDivisionError):
        return 0


def _memory_limit(folder: Path) -> int:
    """Return the bytes that one control group may have, 0 where it has no limit."""
    for name in ("memory.max", "memory.limit_in_bytes"):
        try:
            return max(0, int((folder / name).read_text()))
        except (OSError, ValueError):  # "max" is no limit
            continue
    return 0
