"""audiotl: a folder of recordings in, a working audio classifier out."""

__version__ = "0.1.0"
