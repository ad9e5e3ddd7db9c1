"""What the texts tell an operator to type exists."""

import re
from pathlib import Path

from django.conf import settings
from django.core.management import get_commands

ROOT = Path(settings.BASE_DIR)
NAMED = re.compile(r"manage\.py ([a-z_]+)")


def _texts() -> list[Path]:
    sources = [*(ROOT / "apps").rglob("*.py"), *(ROOT / "apps").rglob("*.html")]
    return [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *sources]


def test_every_command_that_a_text_names_exists() -> None:
    named = {name for path in _texts() for name in NAMED.findall(path.read_text())}
    assert {"provision", "invite", "connect_greenhouse", "change_credentials"} <= named
    assert named - get_commands().keys() == set()
