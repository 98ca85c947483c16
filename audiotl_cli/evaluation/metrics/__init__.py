"""The metrics of an evaluation: one file each, found by the registry.

A new metric is one new file here. It then appears on the screen, in ``report.json``, in the CSV
tables and on the page.
"""
