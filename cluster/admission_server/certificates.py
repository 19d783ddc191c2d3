"""The webhook's own certificates: a CA that the API server is told of, and a short-lived serving certificate below it.

Both are renewed before they run out, without a restart: a new CA is first only told (the bundle holds old and new), and signs from
the next hour on, when every API server has heard of it. All times are real.
"""

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFETIME = timedelta(days=365)
SERVING_LIFETIME = timedelta(days=30)
RENEW_WITH_LEFT = 1 / 3
"""Of its lifetime: then a certificate is replaced."""
TOLD_BEFORE_USE = timedelta(hours=1)
_SKEW = timedelta(minutes=5)
"""Clocks of API servers that are behind ours still accept a new certificate."""


class CertificatesUnusable(Exception):
    """The folder's files cannot be read or written; the message names the file."""


@dataclass(frozen=True)
class Pair:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def near_its_end(self, now: datetime) -> bool:
        begun, ends = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        return ends - now < (ends - begun) * RENEW_WITH_LEFT


class Certificates:
    """The files of one folder: `signing`, while it is being replaced also `next`, the `serving` pair, and `bundle.pem`."""

    def __init__(self, folder: Path, hosts: Sequence[str]) -> None:
        self._folder = folder
        self._hosts = tuple(hosts)
        self.serving_certificate = folder / "serving.crt"
        self.serving_key = folder / "serving.key"

    def renew(self, now: datetime, *, told: bool = False) -> bool:
        """Make what is absent, unreadable or near its end; True when something changed, so that it must be told or loaded.

        `told` says that API servers know the present bundle: only then may a new CA begin to sign.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            changed = self._renew_authority(now, told=told)
            return self._renew_serving(now) or changed
        except OSError as error:
            raise CertificatesUnusable(f"{error.filename or self._folder}: {error.strerror}") from error

    def bundle(self) -> bytes:
        """The CAs that may have signed what we serve, in PEM: the caBundle."""
        return (self._folder / "bundle.pem").read_bytes()

    def _renew_authority(self, now: datetime, *, told: bool) -> bool:
        signing, following = self._read("signing"), self._read("next")
        if signing is None or signing.certificate.not_valid_after_utc <= now:
            signing, following = following or new_authority(now), None
            self._write("signing", signing)
            self._forget("next")
            return self._write_bundle([signing], now)
        if following is not None and told and _age(following, now) >= TOLD_BEFORE_USE:
            self._write("signing", following)
            self._forget("next")
            return self._write_bundle([following, signing], now)
        if following is None and signing.near_its_end(now):
            following = new_authority(now)
            self._write("next", following)
        known = [signing] if following is None else [signing, following]
        return self._write_bundle(known, now)

    def _renew_serving(self, now: datetime) -> bool:
        signing, serving = self._read("signing"), self._read("serving")
        assert signing is not None  # noqa: S101 (made just before)
        if serving is not None and not serving.near_its_end(now) and self._fits(serving, signing):
            return False
        self._write("serving", new_serving(signing, self._hosts, now))
        return True

    def _fits(self, serving: Pair, signing: Pair) -> bool:
        """Signed by this CA, for these hosts."""
        try:
            serving.certificate.verify_directly_issued_by(signing.certificate)
        except (InvalidSignature, ValueError, TypeError):
            return False
        names = serving.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return list(names) == _names(self._hosts)

    def _write_bundle(self, known: Sequence[Pair], now: datetime) -> bool:
        """Those given first, then whatever the old bundle still holds that has not run out."""
        path = self._folder / "bundle.pem"
        before = path.read_bytes() if path.exists() else b""
        held: list[x509.Certificate] = [pair.certificate for pair in known]
        for old in _certificates_in(before):
            if old not in held and old.not_valid_after_utc > now:
                held.append(old)
        fresh = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in held)
        if fresh == before:
            return False
        _write_file(path, fresh, 0o644)
        return True

    def _read(self, name: str) -> Pair | None:
        """None when a half is absent or is not what it should be: it is made anew then."""
        try:
            certificate = x509.load_pem_x509_certificate((self._folder / f"{name}.crt").read_bytes())
            key = serialization.load_pem_private_key((self._folder / f"{name}.key").read_bytes(), None)
        except (FileNotFoundError, ValueError):
            return None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            return None  # the process died between the two files
        return Pair(certificate, key)

    def _write(self, name: str, pair: Pair) -> None:
        key = pair.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        _write_file(self._folder / f"{name}.key", key, 0o600)
        _write_file(
            self._folder / f"{name}.crt", pair.certificate.public_bytes(serialization.Encoding.PEM), 0o644
        )

    def _forget(self, name: str) -> None:
        for ending in ("crt", "key"):
            (self._folder / f"{name}.{ending}").unlink(missing_ok=True)


def new_authority(now: datetime) -> Pair:
    """A CA that signs nothing but serving certificates; its name tells it from the one before."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"runai-admission-ca-{now:%Y%m%d%H%M%S}")])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        _builder(name, name, key.public_key(), now, AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pair(certificate, key)


def new_serving(authority: Pair, hosts: Sequence[str], now: datetime) -> Pair:
    """A certificate for these host names and addresses."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "runai-admission")])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    certificate = (
        _builder(name, authority.certificate.subject, key.public_key(), now, SERVING_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_names(hosts)), critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return Pair(certificate, key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    lifetime: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.astimezone(UTC) - _SKEW)
        .not_valid_after(now.astimezone(UTC) + lifetime)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _names(hosts: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for host in hosts:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            found.append(x509.DNSName(host))
    return found


def _age(pair: Pair, now: datetime) -> timedelta:
    return now - pair.certificate.not_valid_before_utc - _SKEW


def _certificates_in(bundle: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(bundle) if bundle else []
    except ValueError:
        return []  # written anew


def _write_file(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all, and never readable by others on the way."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    fresh.replace(path)
