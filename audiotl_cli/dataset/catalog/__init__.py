"""Data sets known by name: one file each, all with the same parts in the same order."""
