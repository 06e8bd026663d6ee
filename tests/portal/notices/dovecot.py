"""A real IMAP server, Dovecot, with one mailbox whose messages are files."""

from __future__ import annotations

import getpass
import grp
import os
import pwd
import shutil
import socket  # noqa: TID251 - for a port that nobody else uses
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from engine.certificates import Authority

USER, PASSWORD = "bounces@harper.example", "canary / p@ss"
PROGRAM: Final = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")  # noqa: TID251
_SETTINGS: Final = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{folder}/origin.pem
ssl_key = <{folder}/origin.pem
disable_plaintext_auth = yes
auth_mechanisms = plain
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
first_valid_uid = 1
mail_location = maildir:{folder}/mail
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain_port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  chroot =
}}
"""


@dataclass(frozen=True, kw_only=True)
class Dovecot:
    """A running server. Its certificate is for 127.0.0.1."""

    folder: Path
    tls_port: int
    plain_port: int

    def put(self, content: bytes, *, name: str, days_ago: int = 0) -> None:
        """Deliver a message."""
        waiting, path = self.folder / "mail/tmp" / name, self.folder / "mail/new" / name
        waiting.write_bytes(content)
        came = time.time() - days_ago * 86_400
        os.utime(waiting, (came, came))
        shutil.chown(waiting, *_owner_of_mail())
        waiting.rename(path)

    def read_names(self) -> set[str]:
        """Return the names of the messages that are marked as read."""
        files = (self.folder / "mail/cur").iterdir()
        return {file.name.partition(":")[0] for file in files if "S" in file.name.partition(",")[2]}

    def begin_numbers_again(self) -> None:
        """Forget which number each message has, as a mailbox that is restored from a backup."""
        for file in (self.folder / "mail").glob("dovecot*"):
            if not file.name.startswith("dovecot-uidvalidity"):  # it counts how often this happened
                file.unlink()


@contextmanager
def dovecot(authority: Authority) -> Iterator[Dovecot]:
    """Run Dovecot with a certificate of *authority*."""
    if PROGRAM is None or not _is_known():
        pytest.skip("left out: Dovecot 2.3 (the Debian package dovecot-imapd) isn't installed")
    with tempfile.TemporaryDirectory(prefix="billhook-dovecot-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # Dovecot becomes other users, which pytest's folders shut out
        server = Dovecot(folder=folder, tls_port=_free_port(), plain_port=_free_port())
        _prepare(server, authority)
        process = subprocess.Popen([PROGRAM, "-F", "-c", folder / "settings"])
        try:
            _wait_for(server)
            yield server
        finally:
            process.terminate()
            process.wait(20)


def _prepare(server: Dovecot, authority: Authority) -> None:
    folder = server.folder
    user, group = _owner_of_mail()
    for name in ("home", "mail/tmp", "mail/new", "mail/cur"):
        (folder / name).mkdir(parents=True)
    for path in (folder / "home", folder / "mail", *(folder / "mail").iterdir()):
        shutil.chown(path, user, group)
    authority.server_context(folder)
    (folder / "users").write_text(f"{USER}:{PASSWORD}\n")
    is_root = os.geteuid() == 0
    facts = pwd.getpwnam(user)
    settings = _SETTINGS.format(
        folder=folder,
        internal="dovecot" if is_root else user,
        internal_group="dovecot" if is_root else group,
        login="dovenull" if is_root else user,
        uid=facts.pw_uid,
        gid=facts.pw_gid,
        plain_port=server.plain_port,
        tls_port=server.tls_port,
    )
    (folder / "settings").write_text(settings)


def _owner_of_mail() -> tuple[str, str]:
    """Return the user of the mailbox: Dovecot refuses root."""
    user = "nobody" if os.geteuid() == 0 else getpass.getuser()
    return user, grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name


def _is_known() -> bool:
    """Return whether it takes the settings above: those of 2.4 have other names."""
    assert PROGRAM is not None
    done = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.startswith("2.3.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(server: Dovecot) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", server.tls_port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError((server.folder / "log").read_text())
