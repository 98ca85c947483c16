"""Where files lie: on a disk, or on object storage (``s3://bucket/key``) through fsspec.

Paths of disks are pathlib's everywhere; fsspec is imported when a URL is used.
"""
