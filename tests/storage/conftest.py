"""A storage in memory, and one that speaks S3, started once."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from audiotl_cli.storage.remote import RemotePath

NUMBERS = itertools.count()
SERVER = """\
import logging, threading
from moto.server import ThreadedMotoServer
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
threading.Event().wait()
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what is fetched out of the user's cache."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("AUDIOTL_CACHE", str(folder))
    return folder


@pytest.fixture
def memory(memory_storage: None) -> RemotePath:
    """Return an empty place in the memory of this process."""
    return RemotePath(f"memory:///place-{next(NUMBERS)}")


@pytest.fixture(scope="session")
def s3_server() -> Iterator[dict[str, str]]:
    """Start an S3 server on this machine; return the variables that lead to it."""
    quiet = os.environ | {"PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=quiet
    )
    assert process.stdout is not None
    port = int(process.stdout.readline())
    yield {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def bucket(s3_server: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> RemotePath:
    """Return an empty bucket."""
    import fsspec

    for name, value in s3_server.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    name = f"bucket-{next(NUMBERS)}"
    fsspec.filesystem("s3", use_listings_cache=False).mkdir(name)
    return RemotePath(f"s3://{name}")
