"""Uploaded files stay in memory: they hold candidates, and a temporary file would outlive us."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadhandler import MemoryFileUploadHandler, StopUpload

#: Bytes of one upload: about 50,000 lines of a candidate export.
LARGEST = 8 * 1024 * 1024


class InMemoryOnly(MemoryFileUploadHandler):
    """Django's own handler gives large files up to a plain temporary file; this one never."""

    seen = 0

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        self.activated = True

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.seen += len(raw_data)
        if self.seen > LARGEST:
            raise StopUpload(connection_reset=False)
        self.file.write(raw_data)
