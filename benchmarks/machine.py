"""Describe the machine, and measure time and memory of separate processes."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from audiotl_cli.processors import n_processors

MATRIX_SIDE = 2048


def describe() -> dict[str, Any]:
    """Return a description of the machine and its current load."""
    return {
        "cpu": _cpu_name(),
        "cores": n_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def n_cores() -> int:
    """Return the number of cores, counted as `audiotl extract` does."""
    return n_processors()


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def matrix_gflops() -> float:
    """Return the rate of NumPy's float32 matrix product on all cores, the best of 5."""
    matrix = np.random.default_rng(0).standard_normal((MATRIX_SIDE, MATRIX_SIDE), np.float32)
    best = best_of(lambda: matrix @ matrix, at_least=5)
    return 2 * MATRIX_SIDE**3 / best / 1e9


def best_in_turn(
    runs: Mapping[str, Callable[[], object]], *, at_least: int, spend_s: float = 0.0
) -> dict[str, float]:
    """Return the shortest time of several alternating runs of each callable.

    Alternating runs see the same machine, whose speed may vary by 10 % within minutes. Other
    parameters as for `best_of`; the seconds are those of all.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    n_done, spent_s = 0, 0.0
    while n_done < at_least or (n_done < 5 and spent_s < spend_s):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - started)
            spent_s += times[name][-1]
        n_done += 1
    return {name: min(found) for name, found in times.items()}


def best_of(run: Callable[[], object], *, at_least: int, spend_s: float = 0.0) -> float:
    """Return the shortest time of several runs, which excludes most disturbances.

    Parameters
    ----------
    run : callable
    at_least : int
    spend_s : float
        Short ones are repeated, up to five times, until this many seconds are spent.
    """
    return best_in_turn({"": run}, at_least=at_least, spend_s=spend_s)[""]


def peak_mb() -> float:
    """Return the peak memory of this process in MB.

    Linux's own count is preferred: `getrusage` also counts the parent's memory, as it was
    when the process was born.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
        return int(kib) * 1024 / 1e6
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def in_own_process(module: str, cache: Path | None = None, **options: Any) -> Any:
    """Run `measure(**options)` of a module in a fresh process and return what it returns.

    Parameters
    ----------
    module : str
    cache : Path or None
        A folder of weights; None is the user's own.
    **options
        JSON values.

    Raises
    ------
    RuntimeError
        The process failed; the message is the last line of its error output.
    """
    command = [sys.executable, "-m", "benchmarks.machine", module, json.dumps(options)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
        env=environment(cache),
    )
    if done.returncode:
        raise RuntimeError((done.stderr.strip() or f"{module} failed").splitlines()[-1])
    return json.loads(done.stdout.splitlines()[-1])


def environment(cache: Path | None) -> dict[str, str]:
    """Return the environment variables of a process that takes weights from a folder."""
    return {**os.environ, **({} if cache is None else {"AUDIOTL_CACHE": str(cache)})}


def _main() -> None:
    from importlib import import_module

    module, options = sys.argv[1:]
    print(json.dumps(import_module(module).measure(**json.loads(options))))


if __name__ == "__main__":
    _main()
