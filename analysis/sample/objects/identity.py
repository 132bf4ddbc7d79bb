"""Ids, commits, node ids and times that follow from facts alone: the same facts give the same bytes."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from hashlib import blake2b, sha1

API = "https://api.github.com"
WEB = "https://github.com"


def stable_id(*facts: object) -> int:
    """A number of 14 digits that follows from the facts."""
    digest = blake2b("\0".join(map(str, facts)).encode(), digest_size=8).digest()
    return 10**13 + int.from_bytes(digest, "big") % (9 * 10**13)


def stable_sha(*facts: object) -> str:
    """A commit-like SHA-1 that follows from the facts."""
    return sha1("\0".join(map(str, facts)).encode(), usedforsecurity=False).hexdigest()


def node_id(kind: str, number: int) -> str:
    """A GraphQL node id."""
    return f"{kind}_{base64.urlsafe_b64encode(number.to_bytes(8, 'big')).decode().rstrip('=')}"


def stamp(time: datetime) -> str:
    """A time as GitHub writes it: UTC, whole seconds."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """Read what `stamp` wrote."""
    return datetime.fromisoformat(text)


def email_of(login: str) -> str:
    """The address that commits bear."""
    # GitHub writes name[bot]@..., which its own description (format: email) refuses.
    return f"{login.replace('[bot]', '-bot')}@users.noreply.github.com"
