"""A decoder that does what the name of a file says: crash, hang, or talk."""

from __future__ import annotations

CODE = """\
import sys
sys.path[:] = {path!r}
import os, time
from audiotl_cli.audio import resample, worker
decode, measured = resample.read_blocks, worker.measure

def misbehave(source):
    if "crash" in source.path.name:
        os.abort()
    if "hang" in source.path.name:
        time.sleep(600)

def read_blocks(source):
    misbehave(source)
    yield from decode(source)

def measure(source, on_block):
    misbehave(source)
    return measured(source, on_block)

resample.read_blocks, worker.measure = read_blocks, measure
worker.main()
"""
