"""PDF for people, who may read it with their ears: PDF/UA-1, from a template and plain data.

A template says how it looks and holds no words; the words come with the data, in the reader's
language. It reads nothing outside its own directory, and fetches nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typst


def render(template: Path, data: Mapping[str, Any]) -> bytes:
    """Compile a template with `data` (JSON values) as its input `data`."""
    made: bytes = typst.compile(
        template,
        root=template.parent,
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        pdf_standards=["ua-1"],
    )
    return made
