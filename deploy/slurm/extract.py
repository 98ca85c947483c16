"""Embed an index on a Slurm cluster: workers are Slurm jobs, started and ended by dask-jobqueue.

Run it in the project folder, on a machine that may submit jobs and sees the same disks as the
nodes (``pip install 'audiotl[cluster]' dask-jobqueue``):

    python extract.py --workers 64 -- --extractor yamnet

What follows ``--`` is given to ``audiotl extract``. The scheduler runs here; if this ends, jobs
end with it, and the same command does what is missing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from dask_jobqueue import SLURMCluster


def main() -> int:
    """Start workers, run ``audiotl extract`` on them, and return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--workers", type=int, default=16, help="Cores in all.")
    parser.add_argument("--per-job", type=int, default=8, help="Cores a Slurm job.")
    parser.add_argument("--memory", default="16GB", help="A job; 2 GB a core is enough.")
    parser.add_argument("--walltime", default="08:00:00")
    parser.add_argument("--partition")
    parser.add_argument("--account")
    parser.add_argument("--interface", help="Of the network between nodes, such as ib0.")
    parser.add_argument("--gpus", type=int, default=0, help="A job; then one worker a GPU.")
    parser.add_argument("rest", nargs="*", help="For audiotl extract, after --.")
    options = parser.parse_args()
    processes = options.gpus or options.per_job
    cluster = SLURMCluster(
        queue=options.partition,
        account=options.account,
        cores=processes,  # as Dask counts: one thread a process, one process a core or GPU
        processes=processes,
        job_cpu=options.per_job,
        memory=options.memory,
        walltime=options.walltime,
        interface=options.interface,
        job_extra_directives=[f"--gres=gpu:{options.gpus}"] if options.gpus else [],
        # a job ends workers before Slurm does, so that what they are at is given to others
        worker_extra_args=["--lifetime", "7h", "--lifetime-stagger", "10m"],
    )
    with cluster:
        cluster.scale(options.workers)
        command = ["audiotl", "extract", "--cluster", cluster.scheduler_address, *options.rest]
        return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main())
