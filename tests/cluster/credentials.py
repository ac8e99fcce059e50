"""Certificates, keys and kubeconfigs of one run: an authority that lives as long as it, files with mode 0600."""

from __future__ import annotations

import base64
import ipaddress
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sparkk8s_nb.localfiles import write_private

CONTEXT = "test"
VALID = timedelta(days=1)


class Authority:
    """Signs every certificate of a cluster.

    Parameters
    ----------
    directory : Path
        Where the files go.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("test-authority")
        usage = _usage(signs_certificates=True)
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        certificate = (
            self._builder(self._name, self._key.public_key())
            .add_extension(constraints, critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self._pem = certificate.public_bytes(serialization.Encoding.PEM)
        self.certificate = write_private(directory / "ca.crt", self._pem)
        # The controllers sign certificates of their own kind with it.
        self.key = write_private(directory / "ca.key", _pem(self._key))

    def certify(
        self, file: str, name: str, *, groups: tuple[str, ...] = (), addresses: tuple[str, ...] = ()
    ) -> tuple[Path, Path]:
        """A certificate and its key, for a user ``name`` in ``groups`` or a server at ``addresses``."""
        key = ec.generate_private_key(ec.SECP256R1())
        purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])
        builder = (
            self._builder(_name(name, groups), key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(purposes, critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )
        if addresses:
            names = x509.SubjectAlternativeName([_address(address) for address in addresses])
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        crt = write_private(self.directory / f"{file}.crt", pem)
        return crt, write_private(self.directory / f"{file}.key", _pem(key))

    def kubeconfig(self, file: str, server: str, name: str, groups: tuple[str, ...] = ()) -> Path:
        """A kubeconfig for a user, with everything in it."""
        crt, key = self.certify(file, name, groups=groups)
        user = {"client-certificate-data": _base64(crt), "client-key-data": _base64(key)}
        return write_kubeconfig(self.directory / f"{file}.kubeconfig", server, self.certificate, user)

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + VALID)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )


def write_kubeconfig(path: Path, server: str, authority: Path, user: dict, namespace: str = "") -> Path:
    """Write a kubeconfig with one context, :data:`CONTEXT`; its namespace only where one is given."""
    context = {"cluster": "test", "user": "test"} | ({"namespace": namespace} if namespace else {})
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "clusters": [
            {
                "name": "test",
                "cluster": {"server": server, "certificate-authority-data": _base64(authority)},
            }
        ],
        "users": [{"name": "test", "user": user}],
        "contexts": [{"name": CONTEXT, "context": context}],
    }
    return write_private(path, json.dumps(content, indent=1))  # JSON is YAML


def service_account_keys(directory: Path) -> tuple[Path, Path]:
    """The key that signs service accounts' tokens, and its public half."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    private = write_private(directory / "service-accounts.key", _pem(key))
    return private, write_private(directory / "service-accounts.pub", public)


def _name(name: str, groups: tuple[str, ...] = ()) -> x509.Name:
    """A subject as Kubernetes reads it: the organizations are groups, the common name is the user."""
    organizations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*organizations, x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _address(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
