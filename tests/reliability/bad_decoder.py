"""A decoder that does what the name of a file says: crash, hang, or talk."""

from __future__ import annotations

CODE = """\
import sys
sys.path[:] = {path!r}
import os, time
from audiotl_cli.audio import resample, worker
decode = resample.read_blocks

def read_blocks(source):
    if "crash" in source.path.name:
        os.abort()
    if "hang" in source.path.name:
        time.sleep(600)
    yield from decode(source)

resample.read_blocks = read_blocks
worker.main()
"""
