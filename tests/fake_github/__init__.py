"""A GitHub on loopback: a raw history behind a socket, with faults on request.

    with FakeGitHub(history, faults=Faults(errors=0.1)) as fake:
        GitHub("any-token", fake.api_url).get("/repos/acme-shop/checkout-api")

Logs are redirected from 127.0.0.1 to localhost, so that a client that follows with its token is found out.
"""

from tests.fake_github.faults import Faults
from tests.fake_github.server import FakeGitHub, Seen

__all__ = ["FakeGitHub", "Faults", "Seen"]
