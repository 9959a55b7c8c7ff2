"""A real IMAP server for tests: Debian's Dovecot, unprivileged, on loopback, its data in a folder of its own.

In: a folder. Out: a `Dovecot` with ports, a certificate authority of its own, and mailboxes into which a test puts
mails by writing files, as a delivery agent does.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BINARY = Path("/usr/sbin/dovecot")
PASSWORD = "swordfish"
needs_dovecot = pytest.mark.skipif(
    not BINARY.exists(), reason="there is no Dovecot here. On Debian: apt-get install dovecot-imapd"
)
_number = count(1)


@dataclass
class Dovecot:
    folder: Path
    imap: int  # the ports
    imaps: int
    process: subprocess.Popen[bytes] | None = None
    users: set[str] = field(default_factory=set)

    @property
    def authority(self) -> Path:
        return self.folder / "cert.pem"

    def deliver(self, user: str, *mails: bytes, folder: str = "") -> None:
        """Into a Maildir, as a delivery agent does it."""
        place = self.folder / "mail" / user / (f".{folder}" if folder else "")
        if not (place / "new").exists():
            for name in ("new", "cur", "tmp"):
                (place / name).mkdir(parents=True, exist_ok=True)
            own(self.folder / "mail")
        for mail in mails:
            file = place / "tmp" / f"{int(time.time())}.M{next(_number):09d}.test"
            file.write_bytes(mail)
            own(file)
            file.rename(place / "new" / file.name)

    def forget_numbers(self, user: str) -> None:
        """The folder gets another UIDVALIDITY, as after a migration."""
        for name in ("dovecot-uidlist", "dovecot.index", "dovecot.index.log", "dovecot.index.cache"):
            (self.folder / "mail" / user / name).unlink(missing_ok=True)
        for path in (self.folder / "mail" / user).glob("dovecot-uidvalidity*"):
            path.unlink()
        time.sleep(1.1)  # a UIDVALIDITY is the second at which it was made

    def count(self, user: str, folder: str = "") -> int:
        place = self.folder / "mail" / user / (f".{folder}" if folder else "")
        return sum(len(list((place / name).glob("*"))) for name in ("new", "cur") if (place / name).exists())


CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
mail_location = maildir:{folder}/mail/%u
mail_max_userip_connections = 100
auth_mechanisms = plain login xoauth2
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = yes
auth_failure_delay = 0
# Else every sign-in waits for some seconds after a wrong password from the same address.
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
passdb {{
  driver = static
  mechanisms = plain login
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/mail/%u allow_all_users=yes
}}
"""


@contextmanager
def a_folder() -> Iterator[Path]:
    """Outside of pytest's own, which every other run of pytest closes to nobody, whose server it is."""
    folder = Path(tempfile.mkdtemp(prefix="rebound-dovecot-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def serving(folder: Path, token_port: int) -> Iterator[Dovecot]:
    """`token_port`: where something on loopback says whose an access token is."""
    account = pwd.getpwuid(os.getuid()) if os.getuid() else pwd.getpwnam("nobody")
    server = Dovecot(folder, free_port(), free_port())
    make_certificate(folder)
    for name in ("mail", "run", "state"):
        (folder / name).mkdir()
    (folder / "oauth2.conf").write_text(
        f"tokeninfo_url = http://127.0.0.1:{token_port}/?token=\nusername_attribute = email\n"
        "introspection_mode = auth\n"
    )
    group = subprocess.run(["id", "-gn", account.pw_name], capture_output=True, text=True, check=True).stdout.strip()
    config = folder / "dovecot.conf"
    config.write_text(
        CONFIG.format(
            folder=folder,
            user=account.pw_name,
            group=group,
            imap=server.imap,
            imaps=server.imaps,
            password=PASSWORD,
        )
    )
    own(folder)
    as_account: dict[str, Any] = (
        {} if os.getuid() else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    )
    process = subprocess.Popen([str(BINARY), "-F", "-c", str(config)], start_new_session=True, **as_account)
    try:
        wait_for(server.imaps, process, folder / "log")
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def own(folder: Path) -> None:
    """As root the server runs as nobody, whose files these have to be."""
    if os.getuid() == 0:
        for path in [folder, *folder.rglob("*")]:
            shutil.chown(path, "nobody")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"Dovecot does not start: {log.read_text() if log.exists() else 'no log'}")


def make_certificate(folder: Path) -> None:
    """Self-signed, for localhost: the test's own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def server_context(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context
