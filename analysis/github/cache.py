"""Answers kept with their ETag, so that asking again costs nothing of the rate limit (304).

One small file an answer. The key holds the token's hash, because GitHub's ETags belong to the token.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import zstandard

BODY_LIMIT = 64 * 1024 * 1024


@dataclass(frozen=True)
class Kept:
    """One answer as it was kept."""

    etag: str
    link: str
    body: bytes


class AnswerCache:
    """A folder of answers, by URL and token. Without a folder it keeps nothing."""

    def __init__(self, folder: Path | None, token: str | None) -> None:
        self._folder = folder
        self._salt = hashlib.sha256((token or "").encode()).hexdigest()

    def get(self, url: str) -> Kept | None:
        """What was kept for this URL, None where nothing (readable) was."""
        if self._folder is None:
            return None
        try:
            head, _, packed = self._path(url).read_bytes().partition(b"\n")
            fields = json.loads(head)
            body = zstandard.ZstdDecompressor().decompress(packed, max_output_size=BODY_LIMIT)
            return Kept(str(fields["etag"]), str(fields["link"]), body)
        except (OSError, ValueError, KeyError, zstandard.ZstdError):
            return None

    def put(self, url: str, kept: Kept) -> None:
        """Keep an answer. A folder that cannot be written only costs the saving."""
        if self._folder is None:
            return
        head = json.dumps({"etag": kept.etag, "link": kept.link}).encode()
        path = self._path(url)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent)
            with os.fdopen(handle, "wb") as stream:
                stream.write(head + b"\n" + zstandard.ZstdCompressor().compress(kept.body))
            Path(name).replace(path)

    def _path(self, url: str) -> Path:
        assert self._folder is not None
        name = hashlib.sha256(f"{self._salt} {url}".encode()).hexdigest()
        return self._folder / name[:2] / name[2:]
