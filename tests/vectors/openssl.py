"""The openssl command line as an oracle: what payseal must agree with is computed by a program that nobody here wrote.

Only AES-256-GCM comes from Python's `cryptography`, because `openssl enc` refuses authenticated modes.
"""

import base64
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def run(*arguments: str, stdin: bytes = b"") -> bytes:
    done = subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"openssl {' '.join(arguments)}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


class Key:
    """An RSA key pair in a file of its own, in every spelling that users bring."""

    def __init__(self, folder: Path, name: str, bits: int = 2048, exponent: int = 65537) -> None:
        self.file = folder / f"{name}.pem"
        run(
            "genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}", "-pkeyopt", f"rsa_keygen_pubexp:{exponent}", "-out", str(self.file)
        )
        self.file.chmod(0o600)
        self.pkcs8 = self.file.read_text()
        self.pkcs1 = run("rsa", "-in", str(self.file), "-traditional").decode()
        self.pkcs8_der = run("pkcs8", "-topk8", "-nocrypt", "-in", str(self.file), "-outform", "DER")
        self.public = run("pkey", "-in", str(self.file), "-pubout").decode()
        self.public_pkcs1 = run("rsa", "-in", str(self.file), "-RSAPublicKey_out").decode()
        self.public_file = folder / f"{name}.pub.pem"
        self.public_file.write_text(self.public)

    @property
    def bare(self) -> str:
        """Base64 without armour or line breaks, as merchants paste it."""
        return base64.b64encode(self.pkcs8_der).decode()

    def sign(self, message: bytes, digest: str = "sha256") -> bytes:
        return run("dgst", f"-{digest}", "-sign", str(self.file), stdin=message)

    def sign_pss(self, message: bytes) -> bytes:
        return run("dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sign", str(self.file), stdin=message)

    def encrypt_oaep(self, plaintext: bytes, digest: str = "sha1") -> bytes:
        return run(
            "pkeyutl",
            "-encrypt",
            "-pubin",
            "-inkey",
            str(self.public_file),
            "-pkeyopt",
            "rsa_padding_mode:oaep",
            "-pkeyopt",
            f"rsa_oaep_md:{digest}",
            stdin=plaintext,
        )

    def certificate(self, serial: str, subject: str, start: str = "20200101000000Z", end: str = "20500101000000Z") -> str:
        return certificate(self.file, serial, subject, "sha256", start=start, end=end)


def certificate(key: Path, serial: str, subject: str, digest: str, *more: str, start: str = "20200101000000Z", end: str = "20500101000000Z") -> str:
    """A certificate by a key for itself. `openssl ca` is the one command of OpenSSL 3.0 that lets both dates be chosen."""
    folder = key.parent / f"ca-{serial}-{key.stem}"
    folder.mkdir()
    (folder / "index").touch()
    (folder / "serial").write_text(serial + "\n")
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca=this\n[this]\n"
        f"database={folder}/index\nserial={folder}/serial\nnew_certs_dir={folder}\n"
        f"default_md={digest}\npolicy=any\n[any]\ncommonName=supplied\n[req]\ndistinguished_name=dn\n[dn]\n"
    )
    request = ("req", "-new", "-config", str(folder / "ca.cnf"), f"-{digest}", "-key", str(key), "-subj", f"/CN={subject}", "-out", str(folder / "csr"))
    run(*request, *more[:2])
    issue = ("ca", "-batch", "-config", str(folder / "ca.cnf"), "-selfsign", "-keyfile", str(key), "-in", str(folder / "csr"))
    run(*issue, *more, "-startdate", start, "-enddate", end, "-notext", "-out", str(folder / "certificate.pem"))
    return (folder / "certificate.pem").read_text()


def elliptic_key() -> str:
    return run("genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256").decode()


def encrypted_pkcs8(key: Key) -> str:
    return run("pkcs8", "-topk8", "-in", str(key.file), "-passout", "pass:swordfish").decode()


def digest(name: str, message: bytes) -> bytes:
    return run("dgst", f"-{name}", "-binary", stdin=message)


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    return run("mac", "-digest", "SHA256", "-macopt", f"hexkey:{key.hex()}", "-binary", "HMAC", stdin=message)


def seal_aes_256_gcm(key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
    """Ciphertext followed by the 16-byte tag."""
    return AESGCM(key).encrypt(nonce, plaintext, aad)
