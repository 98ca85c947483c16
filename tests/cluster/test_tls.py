"""A cluster that asks for certificates."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path
from typing import Any

import dask
import pytest

from audiotl_cli.errors import ClusterError
from audiotl_cli.extraction import ExtractOptions
from audiotl_cli.project import Project
from audiotl_cli.workflows.extract import extract_features
from tests.cluster.conftest import files_in, made_index
from tests.cluster.processes import machines
from tests.extractors.fake import FakeExtractor

pytestmark = pytest.mark.slow


def write_certificate(folder: Path) -> Path:
    """Write a certificate that vouches for itself, and its key, into one file."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate: Any = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path = folder / "own.pem"
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(secret + certificate.public_bytes(pem))
    return path


def test_certificates_are_asked_for_and_taken_from_dasks_configuration(tmp_path: Path) -> None:
    own = str(write_certificate(tmp_path))
    tls = {f"distributed.comm.tls.{name}": own for name in ("ca-file", "client.cert", "client.key")}
    env = {"DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "True"}
    env |= {"DASK_DISTRIBUTED__COMM__TLS__CA_FILE": own}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        env |= {f"DASK_DISTRIBUTED__COMM__TLS__{role}__{part}": own for part in ("CERT", "KEY")}
    index = made_index(tmp_path / "audio", 300)
    extract_features(Project(), index, FakeExtractor(), ExtractOptions(tmp_path / "alone"))
    with machines(tmp_path, env) as cluster:
        cluster.scheduler("--protocol", "tls")
        cluster.worker("--no-nanny")
        assert cluster.address.startswith("tls://")
        with (
            dask.config.set({"audiotl.connect-timeout": "3s"}),
            pytest.raises(ClusterError, match="certificates are taken from Dask's configuration"),
        ):
            extract_features(
                Project(),
                index,
                FakeExtractor(),
                ExtractOptions(tmp_path / "store", cluster=cluster.address),
            )
        with dask.config.set(tls):
            extract_features(
                Project(),
                index,
                FakeExtractor(),
                ExtractOptions(tmp_path / "store", cluster=cluster.address),
            )
    assert files_in(tmp_path / "store") == files_in(tmp_path / "alone")
