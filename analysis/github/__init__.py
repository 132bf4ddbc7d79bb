"""GitHub's REST API: a client that counts, paces and never gives its token away, and rows out of its answers."""

from analysis.github.client import GitHub
from analysis.github.token import API_URL, find_token

__all__ = ["API_URL", "GitHub", "find_token"]
