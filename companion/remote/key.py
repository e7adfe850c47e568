"""The key of a served generator: who has it may ask for plans, and knows the box by it.

A box that other machines reach makes one when it is first served: a certificate of its own, with
its private key, and a token. What a rig needs of it, the certificate and the token, is a file of
its own, to be copied to each rig. What goes between them is encrypted with it, and each knows
that the other is who it should be.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from companion.system.config import config_folder
from companion.system.errors import CompanionError, disk_message

BOX_FILE, RIG_FILE = "serve.key", "generator.key"
NAME = "companion"
"""What the certificate is for, whatever the box is called in its network."""
TOKEN_BYTES = 24
MOST_BYTES = 64 << 10
_TOKEN = "token: "
_INSTALL = "valid: pip install 'companion[remote]'"


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """What a rig knows of a box; the box its private key as well."""

    certificate: bytes  # PEM
    token: str
    private: bytes = b""  # PEM; empty at a rig


def rig_key_file() -> Path:
    """Where a rig looks for the key, unless told otherwise; a box leaves it there too."""
    return config_folder() / RIG_FILE


def read_key(file: Path) -> Key:
    """The key in a file.

    Raises:
        CompanionError: there is none, or it is none.
    """
    try:
        with file.open("rb") as opened:
            lines = opened.read(MOST_BYTES).splitlines(keepends=True)
    except OSError as error:
        raise CompanionError(
            f"key {str(file)!r} cannot be read ({error.strerror}); "
            f"valid: the file {RIG_FILE} that companion serve made on the other machine"
        ) from error
    tokens = [line for line in lines if line.startswith(_TOKEN.encode())]
    certificate = _between(lines, b"CERTIFICATE")
    if len(tokens) != 1 or not certificate or not tokens[0].isascii():
        raise CompanionError(
            f"{str(file)!r} is no key; valid: the file {RIG_FILE} that companion serve made"
        )
    token = tokens[0].decode().removeprefix(_TOKEN).strip()
    return Key(certificate, token, _between(lines, b"PRIVATE KEY"))


def box_key(folder: Path) -> Key:
    """The key of this box, made where there is none yet, beside what its rigs need of it.

    Raises:
        CompanionError: it cannot be made, read or written.
    """
    file, for_rigs = folder / BOX_FILE, folder / RIG_FILE
    if not file.exists():
        made = _new_key()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write(for_rigs, made.certificate, made.token)
            _write(file, made.private + made.certificate, made.token)
        except OSError as error:
            raise CompanionError(disk_message(file, error)) from error
    key = read_key(file)
    if not key.private:
        raise CompanionError(f"{str(file)!r} has no private key; valid: delete it for a new one")
    return key


def _new_key() -> Key:
    try:
        from datetime import datetime

        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError as error:
        raise CompanionError(f"a key cannot be made ({error}); {_INSTALL}") from error
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        # For ever: machines on stages have clocks that are years off.
        .not_valid_before(datetime(1990, 1, 1))
        .not_valid_after(datetime(2200, 1, 1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private_pem = private.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Key(certificate.public_bytes(pem), secrets.token_urlsafe(TOKEN_BYTES), private_pem)


def _write(file: Path, pem: bytes, token: str) -> None:
    """Readable by nobody else from the first byte on, and whole or not there."""
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(pem + f"{_TOKEN}{token}\n".encode())
    part.replace(file)


def _between(lines: list[bytes], what: bytes) -> bytes:
    """The PEM of that kind; empty if there is none."""
    begin, end = b"-----BEGIN " + what, b"-----END " + what
    starts = [at for at, line in enumerate(lines) if line.startswith(begin)]
    ends = [at for at, line in enumerate(lines) if line.startswith(end)]
    return b"".join(lines[starts[0] : ends[0] + 1]) if starts and ends else b""
