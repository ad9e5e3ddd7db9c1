"""The browser of the end-to-end tests: the system's Chromium, never one fetched by a tool.

python -m tests.e2e.chromium    # find it; under root on Debian, install it when missing
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: No calls home: on a closed network each would fail, and delay the start.
ARGUMENTS: Final = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def path() -> Path | None:
    """LETHE_CHROMIUM, or the first one on the PATH."""
    if given := os.environ.get("LETHE_CHROMIUM"):
        return Path(given) if Path(given).is_file() else None
    found = next((which for name in NAMES if (which := shutil.which(name))), None)
    return Path(found) if found else None


def arguments() -> list[str]:
    """Under root Chromium runs only without its sandbox; the pages are our own."""
    return [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


def _install() -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "--quiet", "--quiet", "update"],
        ["apt-get", "--quiet", "--quiet", "--yes", "install", "chromium", "fonts-dejavu-core"],
    ):
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


def main() -> int:
    if path() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium with apt-get …", flush=True)  # noqa: T201 - it takes a while
        _install()
    if path() is None:
        print(  # noqa: T201 - the command's answer
            "Error: no Chromium found. Install it (Debian: apt-get install chromium), or set "
            "LETHE_CHROMIUM to its path.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
