"""The vendor's own samples, where they lie beside the checkout; tests skip where they do not."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from apps.connectors.paths import leaves

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"
FOLDER = REFERENCE / "payloads" / "greenhouse"
needs_samples = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the vendor's samples are not beside this checkout"
)


def webhooks() -> list[Path]:
    return sorted(FOLDER.glob("webhook__*.json"))


def v3() -> list[Path]:
    return sorted(FOLDER.glob("v3_*.json"))


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def schemas() -> dict[str, Any]:
    document = load(REFERENCE / "ats_openapi" / "greenhouse_harvest_v3_subset.json")
    found: dict[str, Any] = document["components"]["schemas"]
    return found


def places(value: Any, prefix: str = "") -> set[str]:
    """The paths of a sample's leaves."""
    return {path for path, _value in leaves(value, prefix)}


def without_positions(path: str) -> str:
    return re.sub(r"\.\d+(?=\.|$)", ".*", path)
