"""The webhook's certificates: trusted at every moment, renewed before their end, mended when files are broken."""

import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509 import verification

from cluster.admission_server.certificates import (
    AUTHORITY_LIFETIME,
    SERVING_LIFETIME,
    Certificates,
    CertificatesUnusable,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)
HOSTS = ("runai-admission.runai.svc", "127.0.0.1")


@pytest.fixture
def certificates(tmp_path):
    return Certificates(tmp_path / "certificates", HOSTS)


def serving(certificates):
    return x509.load_pem_x509_certificate(certificates.serving_certificate.read_bytes())


def trusted(certificates, bundle, now):
    """As an API server checks it that was told of this bundle."""
    store = verification.Store(x509.load_pem_x509_certificates(bundle))
    verifier = (
        verification.PolicyBuilder().store(store).time(now).build_server_verifier(x509.DNSName(HOSTS[0]))
    )
    try:
        verifier.verify(serving(certificates), [])
    except verification.VerificationError:
        return False
    return True


def test_the_first_certificates_are_trusted_and_private(certificates):
    assert certificates.renew(NOW) is True

    assert trusted(certificates, certificates.bundle(), NOW)
    assert certificates.serving_key.stat().st_mode & 0o777 == 0o600
    names = serving(certificates).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(one.value) for one in names] == list(HOSTS)
    ssl.create_default_context(cadata=certificates.bundle().decode())


def test_nothing_changes_while_nothing_is_due(certificates):
    certificates.renew(NOW)
    before = serving(certificates)

    assert certificates.renew(NOW + SERVING_LIFETIME * 0.6, told=True) is False
    assert serving(certificates) == before


def test_the_serving_certificate_is_renewed_below_the_same_ca(certificates):
    certificates.renew(NOW)
    bundle, before = certificates.bundle(), serving(certificates)
    later = NOW + SERVING_LIFETIME * 0.7

    assert certificates.renew(later, told=True) is True
    assert serving(certificates) != before
    assert certificates.bundle() == bundle
    assert trusted(certificates, bundle, later)


def test_through_years_of_renewals_whoever_was_told_trusts_what_is_served(certificates):
    """An API server that was told after each look, and one that hears of it a look later."""
    moment, told = NOW, b""
    bundles = set()
    while moment < NOW + AUTHORITY_LIFETIME * 3:
        certificates.renew(moment, told=bool(told))
        assert trusted(certificates, certificates.bundle(), moment)
        assert not told or trusted(certificates, told, moment)
        told = certificates.bundle()
        bundles.add(told)
        moment += timedelta(days=5)
    assert len(bundles) > 6  # the CA itself was renewed again and again
    assert len(x509.load_pem_x509_certificates(told)) <= 3  # and what has run out is forgotten


def test_a_new_ca_does_not_sign_before_it_was_told(certificates):
    certificates.renew(NOW)
    told = certificates.bundle()
    due = NOW + AUTHORITY_LIFETIME * 0.7
    certificates.renew(due)
    for hours in (0, 2, 24, 240):
        certificates.renew(due + timedelta(hours=hours), told=False)
        assert trusted(certificates, told, due + timedelta(hours=hours))
    assert certificates.bundle() != told

    certificates.renew(due + timedelta(hours=241), told=True)
    assert not trusted(certificates, told, due + timedelta(hours=241))
    assert trusted(certificates, certificates.bundle(), due + timedelta(hours=241))


@pytest.mark.parametrize("file", ["signing.crt", "signing.key", "serving.crt", "serving.key", "bundle.pem"])
@pytest.mark.parametrize(
    "content", [None, b"", b"rubbish", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_broken_file_is_made_anew(certificates, tmp_path, file, content):
    certificates.renew(NOW)
    path = tmp_path / "certificates" / file
    path.unlink() if content is None else path.write_bytes(content)

    assert certificates.renew(NOW) is True
    assert trusted(certificates, certificates.bundle(), NOW)


def test_another_name_needs_another_certificate(certificates, tmp_path):
    certificates.renew(NOW)
    moved = Certificates(tmp_path / "certificates", ("elsewhere.example", *HOSTS))

    assert moved.renew(NOW) is True
    assert moved.bundle() == certificates.bundle()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(CertificatesUnusable, match="file"):
        Certificates(tmp_path / "file" / "certificates", HOSTS).renew(NOW)
