"""TLS certificates of one platform: its authority signs once, and its key is not kept.

Files in the secrets' folder: ``tls_ca`` (the authority, for clients), ``kafka_tls`` and ``postgres_tls`` (key and
certificates in one, which both servers take). A renewal renews them all.
"""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from election.settings import Settings
from election.stack.secrets import private_file

LASTS = timedelta(days=825)
Key = ec.EllipticCurvePrivateKey


def certify_services(settings: Settings) -> None:
    """Generates the certificates unless they exist; remove ``tls_ca`` to renew all of them."""
    if settings.secret_file("tls_ca").exists():
        return
    authority = ec.generate_private_key(ec.SECP256R1())
    root = _signed("election platform", authority, None, authority)
    for service in ("kafka", "postgres"):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _pem(_signed(service, key, root, authority))
        private_file(settings.secret_file(f"{service}_tls"), _key(key) + certificate + _pem(root))
    private_file(settings.secret_file("tls_ca"), _pem(root))


def _signed(name: str, key: Key, issuer: x509.Certificate | None, signer: Key) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    names = [x509.DNSName(name), x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + LASTS)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if issuer is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key(key: Key) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
