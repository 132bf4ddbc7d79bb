"""Status pages and feeds: what services say about themselves, as rows of ``incidents`` and ``incident_updates``.

``read_status`` turns one body into rows and touches nothing else; ``fetch_status`` asks the pages of the catalogue, any
address, or a file; ``file_status`` puts the result into the data folder; ``current_status`` asks how things stand now.

The column ``components`` is what failures are matched on. It holds this kit's names (``docker-hub``, ``ghcr``,
``gha-cache``, ``npm``) for what the catalogue knows of the page, and the page's own names for everything else; those
match no failure. ``impact`` is null where the source cannot say it (feeds).
"""

from analysis.status.current import ServiceState, current_status
from analysis.status.fetch import StatusFetch, fetch_status
from analysis.status.filing import asked, file_status, settled
from analysis.status.read import StatusAnswer, read_status
from analysis.status.visit import Failure

__all__ = [
    "Failure",
    "ServiceState",
    "StatusAnswer",
    "StatusFetch",
    "asked",
    "current_status",
    "fetch_status",
    "file_status",
    "read_status",
    "settled",
]
