"""A TLS endpoint in front of a Temporal server, which tells what it was sent. Certificates are made for the test alone."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME = "temporal.test"
# Of HTTP/2's code for header values (RFC 7541, appendix B) the letters that a test's key is made of.
HUFFMAN = {"B": "1011101", "e": "00101", "a": "00011", "r": "101100", " ": "010100", "c": "00100", "s": "01000", "t": "01001"}


class Authority:
    """A certificate authority. `folder` gets its certificate and those that it signs."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        self.file = folder / "authority.pem"
        certificate = self._certificate(self.subject, self.key.public_key(), is_authority=True)
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Files of a new certificate for that name and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._certificate(subject, key.public_key(), is_authority=False)
        files = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        return files

    def _certificate(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, is_authority: bool) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .add_extension(_key_usage(is_authority=is_authority), critical=True)
            .sign(self.key, hashes.SHA256())
        )


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    """What Python from 3.13 on wants to see stated."""
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


class TlsEndpoint:
    """Ends TLS, demands a certificate of the client and passes everything on to `target`. `received` is what clients sent."""

    def __init__(self, authority: Authority, target: str) -> None:
        self.target, self.received, self.port = target, bytearray(), 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*authority.issue("server"))
        self.context.load_verify_locations(authority.file)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.set_alpn_protocols(["h2"])

    async def start(self) -> None:
        """Listen on a free port."""
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.context)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End every connection."""
        self.server.close()
        self.server.close_clients()
        await self.server.wait_closed()

    def was_sent(self, header: str) -> bool:
        """Whether that value of a header went over the wire, in HTTP/2's own code."""
        bits = "".join(HUFFMAN[letter] for letter in header)
        coded = int(bits + "1" * (-len(bits) % 8), 2).to_bytes(-(-len(bits) // 8))
        return coded in self.received

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = self.target.rsplit(":", 1)
        to_reader, to_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(self._pass_on(reader, to_writer, self.received), self._pass_on(to_reader, writer, bytearray()))

    @staticmethod
    async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: bytearray) -> None:
        try:
            while part := await reader.read(2**16):
                seen += part
                writer.write(part)
                await writer.drain()
        except OSError:
            return
        finally:
            writer.close()
