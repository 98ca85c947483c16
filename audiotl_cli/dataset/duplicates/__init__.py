"""Clips that hold the same sound, and clips that file names suggest come from one source."""
