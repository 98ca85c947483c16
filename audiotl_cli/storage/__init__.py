"""Files on a disk, or on object storage (``s3://bucket/key``) through fsspec.

Paths on a disk are `pathlib.Path` everywhere; fsspec is imported when a URL is used.
"""
