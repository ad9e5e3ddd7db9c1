"""The demo's installation: one folder with its cluster, secrets, ports, logs and fake ATSs.

The folder is kept: a second run finds the same people, keys and ledger.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from config.embedded import Cluster
from config.supervisor import Process, SupervisorError, require_free, web, worker

MARKER = "Lethe demo\n"
#: The fake accounts: name of the legal entity, and how many invented candidates it has.
COMPANIES = (("Nordlys", 1_000), ("Vantage", 1_000))
SEED = 20_261
#: Requests each fake account answers per window. A real account allows far fewer; the client
#: keeps whatever limit it is told, and `make bench` measures it at 50 per 10 s.
LIMIT, WINDOW = 900, 10
#: Where the fake accounts listen, from run to run: below the ports that systems hand out.
PORTS = range(20_000, 30_000)
#: Settings that name servers of others.
SERVERS = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "KEYS_DATABASE_URL",
    "KEYS_DATABASE_OWNER_URL",
    "BROKER_URL",
)


class DemoError(Exception):
    """The demo cannot run here; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """A fake Greenhouse account of one legal entity."""

    name: str
    first_index: int
    candidates: int
    port: int
    client_id: str
    client_secret: str
    webhook_secret: str
    control_token: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass(slots=True)
class Installation:
    root: Path
    port: int
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def seeded_on(self) -> str:
        return str(self.facts["seeded_on"])

    @property
    def accounts(self) -> list[Account]:
        return [Account(**account) for account in self.facts["accounts"]]


def require_own_servers(given: Mapping[str, str]) -> None:
    """Raises DemoError when the environment names servers: the demo would not use them."""
    named = [name for name in SERVERS if given.get(name)]
    if named:
        raise DemoError(
            f"{', '.join(named)}: set in the environment, but the demo always starts a PostgreSQL "
            f"of its own and touches no other. To run it: unset {' '.join(named)}. To install "
            "Lethe on your own servers, see the README."
        )


def open_installation(root: Path, port: int) -> Installation:
    """The folder of a former run, or a new one. Raises DemoError for a folder of others."""
    marker = root / "LETHE-DEMO"
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not marker.exists():
            if any(root.iterdir()):
                raise DemoError(
                    f"{root} is not empty and was not made by this demo. Choose another folder: "
                    'make demo ARGS="--data FOLDER"'
                )
            marker.write_text(MARKER)
        facts_file = root / "demo.json"
        if not facts_file.exists():
            _write_private(facts_file, json.dumps(_new_facts()))
        facts = json.loads(facts_file.read_text())
    except (OSError, ValueError) as error:
        raise DemoError(
            f"The demo's folder {root} cannot be used ({error.__class__.__name__}). "
            "Repair its permissions, or remove it to start anew."
        ) from None
    return Installation(root, port, facts)


def environment(installation: Installation, cluster: Cluster) -> dict[str, str]:
    """Every setting of the installation, as the environment its processes get."""
    facts = installation.facts
    return {
        **cluster.environment(),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LETHE_SECRET_KEY": facts["secret_key"],
        "LETHE_ROOT_KEY_FILE": str(installation.root / "root.key"),
        "LETHE_KEYS_DIR": str(installation.root / "keys"),
        "LETHE_BASE_URL": installation.base_url,
        "LETHE_NAME": "demo.lethe.localhost",
        "LETHE_ATS_HOSTS": "127.0.0.1",
        "LETHE_LEASE_SECONDS": "30",
        "LETHE_DEMO_BIN": str(cluster.bin),
        # It need not lie in this folder: under root the server may live elsewhere.
        "LETHE_DEMO_LOG": str(cluster.log),
    }


def settle_environment(installation: Installation, cluster: Cluster) -> None:
    """Put the settings into this process: Django is set up only afterwards."""
    root_key = installation.root / "root.key"
    if not root_key.exists():
        _write_private(root_key, base64.b64encode(secrets.token_bytes(32)).decode())
    os.environ.update(environment(installation, cluster))


def migrate() -> None:
    """Bring the databases up to date, as their owner, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "manage.py", "provision"],
        cwd=Path(__file__).resolve().parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["unknown"])[-1]
        raise DemoError(f"The databases could not be prepared: {reason}")


def processes(installation: Installation) -> list[Process]:
    """What runs: both fake accounts, the web server, the worker with its clock."""
    fakes = [_fake(installation, account) for account in installation.accounts]
    return [*fakes, web(port=installation.port), worker(concurrency=4)]


def advice_on_ports(installation: Installation) -> str:
    """What to do about the first port that another program has; "" when all are free."""
    if _is_busy(installation.port):
        return (
            f"Port {installation.port}, where the page goes, is used by another program. Stop "
            f'that program, or choose another port: make demo ARGS="--port {next(_free_ports())}"'
        )
    for account in installation.accounts:
        if _is_busy(account.port):
            return (
                f"Port {account.port}, the address of the fake Greenhouse account of "
                f"{account.name} since the first run, is used by another program. Stop that "
                f"program (`lsof -i :{account.port}` names it), or begin anew in another "
                'folder: make demo ARGS="--data FOLDER". --port moves the page only.'
            )
    return ""


def _is_busy(port: int) -> bool:
    try:
        require_free("127.0.0.1", port)
    except SupervisorError:
        return True
    return False


def _fake(installation: Installation, account: Account) -> Process:
    slug = account.name.lower()
    options = {
        "--port": account.port,
        "--state": installation.root / f"ats-{slug}.sqlite",
        "--log": installation.logs / f"ats-{slug}.jsonl",
        "--client-id": account.client_id,
        "--client-secret": account.client_secret,
        "--control-token": account.control_token,
        "--limit": LIMIT,
        "--window": WINDOW,
        "--seed": SEED,
        "--candidates": account.candidates,
        "--first-index": account.first_index,
        "--today": installation.seeded_on,
        "--webhook-secret": account.webhook_secret,
        "--webhook-url": f"{installation.base_url}/webhooks/greenhouse/"
        f"{installation.facts['connections'].get(account.name, 'none')}/",
    }
    command = [sys.executable, "-m", "apps.connectors.fakes.greenhouse"]
    # One word each: a random secret may begin with “-” and would be read as another option.
    command += [f"{name}={value}" for name, value in options.items()]
    return Process(f"ats-{slug}", command, port=account.port)


def remember(installation: Installation, **values: Any) -> None:
    """Keep facts for the next run."""
    installation.facts.update(values)
    _write_private(installation.root / "demo.json", json.dumps(installation.facts))


def _new_facts() -> dict[str, Any]:
    accounts, first, ports = [], 0, _free_ports()
    for name, candidates in COMPANIES:
        accounts.append(
            {
                "name": name,
                "first_index": first,
                "candidates": candidates,
                "port": next(ports),
                "client_id": f"demo-{name.lower()}",
                "client_secret": secrets.token_urlsafe(24),
                "webhook_secret": secrets.token_urlsafe(24),
                "control_token": secrets.token_urlsafe(24),
            }
        )
        first += candidates
    return {
        "secret_key": secrets.token_urlsafe(48),
        "seeded_on": datetime.now(UTC).date().isoformat(),
        "accounts": accounts,
        "connections": {},
    }


def _free_ports() -> Iterator[int]:
    """Ports nobody uses now, in no order, none twice."""
    drawn = secrets.SystemRandom().sample(PORTS, len(PORTS))
    return (port for port in drawn if not _is_busy(port))


def _write_private(path: Path, content: str) -> None:
    """Whole or not at all: a run that is killed in between can be started again."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
    draft.replace(path)
