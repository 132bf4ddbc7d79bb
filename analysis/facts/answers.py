"""What did the other side answer, in one line of text: HTTP status, the kind it means, the image that was asked for?

Structure decides, not one program's words: a status code beside a word that says it is one, the tail of a wrapped
error, an image after a verb. Kinds follow the precedence of the vocabulary: what says more wins.
"""

from __future__ import annotations

import re
from itertools import chain

import re2

_STATUS = re.compile(
    r"(?:\b(?:status(?:[ _-]?code)?|http(?:/[\d.]{1,3})?(?: (?:error|status|response|code))*(?: code)?|"
    r"returned error|error|"
    r"response(?: status)?(?: code)?|code(?: is:?)?|server returned|server (?:replied|responded)(?: with)?|"
    r"responded with"
    r"(?: status)?(?: code)?|returned|replied|got|failed with|answered|received|with|a|HTTP error fetching \S{1,200}|"
    r"does not indicate success|reason|E|FETCH_|npm (?:ERR!|error))[\s\"':=({]{0,4}"
    r"|https?://[^\s\"'<>]{3,600}[\"']?[ :,(-]{1,4}(?:HTTP(?:/[\d.]{1,3})? )?|: |\(|\]\[|^)"
    r"([45]\d\d)(?![\d%]|\.\d)(?:\b|_)",
    re.IGNORECASE,
)
_PHRASE = re.compile(
    r"\b([45]\d\d)[ :,\"'()\]-]{1,4}(?:Client Error|Server Error|Bad Gateway|Service (?:Temporarily )?Unavailable|"
    r"Gateway Time-?out|Internal Server Error|Forbidden|Unauthorized|Not Found|Bad Request|Request Time-?out|"
    r"Too Many Requests|Requested Range|Conflict|Gone|"
    r"Connection (?:timed out|failed|refused)|Unprocessable|Backend|Origin|Web Server|Unknown|Proxy|"
    r"status code|error code|error responses|HTTP)",
    re.IGNORECASE,
)
# The Docker daemon's own 500 around what happened to its request.
_OF_DAEMON = re.compile(
    r"500 Server Error[^(]{0,200}\((?=\"(?:Get|Head|Put|Post) )|"
    r"\bStatus 500: \{\"message\":\"(?=(?:Get|Head|Put|Post|toomanyrequests)\b)"
)
_WORDS = (
    (re.compile(r"\btoo many requests\b", re.I), 429),
    (re.compile(r"\bbad gateway\b", re.I), 502),
    (re.compile(r"\bgateway time-?out\b", re.I), 504),
    (
        re.compile(
            r"\bservice (?:is )?(?:temporarily )?unavailable\b|temporarily unavailable|"
            r"services aren't available",
            re.I,
        ),
        503,
    ),
    (re.compile(r"\binternal server error\b", re.I), 500),
    (
        re.compile(
            r"\breasonphrase: ?forbidden|\b(?:status|access|error|http)[ :]{1,2}forbidden\b|: forbidden\b", re.I
        ),
        403,
    ),
    (re.compile(r"\brequested range not satisfiable\b|range not satisfiable", re.I), 416),
)
# The tails of wrapped errors, the more telling first.
_TAILS = (
    (
        "rate-limit",
        re.compile(
            r"toomanyrequests|too many requests|rate[- ]?limit|rate exceeded|throttl|quota exceeded|secondary rate|"
            r"\bHAP429\b|abuse detection|allowed: \d+\S*/(?:minute|second|hour)",
            re.I,
        ),
    ),
    (
        "dns",
        re.compile(
            r"no such host|server misbehaving|could not resolve (?:host|proxy)|name resolution|failure resolving|"
            r"name or service not known|getaddrinfo|\bENOTFOUND|EAI_AGAIN|nodename nor servname|NameResolutionError|"
            r"UnknownHost|unknown host|dns error|failed to lookup address|does not resolve|(?:host|"
            r"name) could not be resolved|"
            r"resolve host|DNS: transient error|DNS (?:lookup )?error|resolving timed out",
            re.I,
        ),
    ),
    (
        "tls",
        re.compile(
            r"TLS handshake|handshake fail(?:ure|ed)|terminated the handshake|"
            r"tls: |x509: |SSL routines|SSLError|SSL_ERROR|SSLHandshake|certificate|CERT_|SSL connect|"
            r"gnutls_handshake|GnuTLS|PKIX|schannel|secure channel|unexpected eof while reading|"
            r"\bssl3?_(?!read: connection)|ERR_TLS|SSL: ",
            re.I,
        ),
    ),
    (
        "timeout",
        re.compile(
            r"deadline exceeded|DeadlineExceeded|i/o timeout|ETIMEDOUT|ESOCKETTIMEDOUT|TIMEOUT\b|time[- ]?d? ?out\b|"
            r"timed[- ]?out|Timeout(?:Error|Exception)?\b|operation too slow|took (?:too long|longer than)|"
            r"Unable to connect to \S{1,200}:https?:|after [1-9]\d{3,6} ms: Could|"
            r"timeout reached|request canceled while waiting|no response\b|did not respond|execution expired|"
            r"stalled",
            re.I,
        ),
    ),
    (
        "connection-reset",
        re.compile(
            r"connection reset|ECONNRESET|closed network connection|broken pipe|\bEPIPE\b|socket hang up|"
            r"ECONNREFUSED|"
            r"connection (?:was |is )?(?:refused|aborted|closed|forcibly closed|lost|error)|ConnectionReset|"
            r"unreachable|"
            r"ConnectionRefused|RemoteDisconnected|Remote end closed|Connection aborted|No route to host|"
            r"Failed to connect to|Couldn't connect|unable to connect|stream error|INTERNAL_ERROR|HTTP/?2 |http2:|"
            r"closed (?:pipe|response body)|NewConnectionError|fetch failed(?:\s*$|[:;,)])|other side closed|"
            r"underlying connection|recv failure|socket disconnected before|"
            r"ECONNABORTED|was not closed cleanly|server closed|reset by peer|cannot reuse body|connection failed|"
            r"transport is closing|error reading from server|UND_ERR_SOCKET|Recv error|NetworkError|network error",
            re.I,
        ),
    ),
    (
        "eof",
        re.compile(
            r"\bEOF\b|early EOF|hung up unexpectedly|IncompleteRead|incomplete ?message|premature|ended prematurely|"
            r"unexpected end of|transfer closed|unexpected disconnect|error decoding response body|"
            r"bytes (?:remaining|missing)|body are still expected|connection broken|terminated early",
            re.I,
        ),
    ),
)  # fmt: skip
_DENIED = re.compile(
    r"\bdenied\b|unauthorized:|not authorized|insufficient[_ ]scope|authentication required|bad credentials|"
    r"Resource not accessible|permission|EACCES\b|no basic auth|incorrect username|invalid (?:username|token|"
    r"credential|authentication)|"
    r"requires? authentication|must be authenticated|authentication (?:failed|error)|not allowed to",
    re.I,
)
_ABSENT = re.compile(
    r"manifest unknown|name unknown|does not exist|no such (?:image|package|manifest|version)|repository not found|"
    r"no matching|not found: manifest|: not found$|could not find|couldn't find|unknown revision|not been published|"
    r"no longer available|was not found|no versions|E404",
    re.I,
)
# RE2, not re: an image reference repeats its own parts, and re would try every way to cut a hostile line.
_IMAGE = re2.compile(
    r"(?:docker pull|docker push|podman (?:pull|push)|Pulling from|manifest for|load metadata for|"
    r"failed to resolve (?:source metadata for|reference)|pulling image|pulling manifest for|"
    r"pushing manifest for|failed to push|"
    r"pull(?:ing)? access denied for|Unable to find image|invalid from flag value|refers to repository|resolve|"
    r"initializing source docker://|reading manifest \S{1,200} in|> pushing|trying to pull|^FROM|\bFROM|Pulling|"
    r"Pull down action image|repository|failed to solve:|importing cache manifest from)\s*[\['\"]?"
    r"((?:[\w*][\w.*-]*(?::\d{2,5})?/){0,6}[\w*][\w.*-]{1,127}(?::[\w*][\w.*-]{0,127})?(?:@sha256:[0-9a-f]{64})?)",
)
_V2 = re2.compile(
    r"(?:https?://)?([\w.*-]+(?::\d+)?)/v2/((?:[\w.*<>-]+/){0,8}[\w.*<>-]+)/(?:manifests|blobs|tags|referrers)"
    r"/(?:uploads/?)?([\w.*:+-]+)?"
)
_AUTH = re2.compile(r"\[auth\] (?:sharing credentials for )?([\w.*/-]+?):(?:pull|push)[\w,]* token for ([\w.*:-]+)")
_NO_IMAGE = frozenset(
    [
        "failed",
        "error",
        "the",
        "a",
        "to",
        "not",
        "image",
        "manifest",
        "https",
        "http",
        "with",
        "source",
        "process",
        "from",
        "access",
        "layers",
        "rpc",
        "cannot",
        "lease",
        "layer",
        "done",
        "docker",
        "as",
        "and",
        "content",
        "target",
        "dockerfile",
        "unexpected",
        "for",
        "context",
        "configuration",
        "config",
        "credentials",
    ]
)


def http_status(text: str) -> int | None:
    """The HTTP status that a line tells: with a code where it has one, by its phrase otherwise."""
    text = _OF_DAEMON.sub("", text)
    for match in chain(_PHRASE.finditer(text), _STATUS.finditer(text)):
        status = int(match[1])
        if 400 <= status <= 431 or status == 451 or 500 <= status <= 530:
            return status
    return next((status for pattern, status in _WORDS if pattern.search(text)), None)


def kind_of_status(status: int | None) -> str | None:
    """The kind that a status alone means, None for one that the vocabulary does not name."""
    if status is None:
        return None
    if status >= 500:
        return "http-5xx"
    if status in (401, 403, 404, 416, 429):
        return f"http-{status}"
    return {407: "http-401", 410: "http-404", 408: "timeout"}.get(status)


def kind_of_tail(text: str) -> str | None:
    """The kind of a wrapped error, by what its tail says; None where it says none of them."""
    status = http_status(text)
    for kind, pattern in _TAILS:
        if pattern.search(text):
            if kind != "rate-limit" and status is not None and status >= 500:
                return "http-5xx"
            return kind
    return kind_of_status(status)


def is_denied(text: str) -> bool:
    """Whether a line says that the server refuses this user, not only a bare status."""
    return _DENIED.search(text) is not None


def is_absent(text: str) -> bool:
    """Whether a line says that the thing asked for does not exist."""
    return _ABSENT.search(text) is not None


def image_in(text: str) -> str | None:
    """The image reference that a line asks for or names, None where it names none."""
    match = _AUTH.search(text)
    if match is not None:
        return f"{'docker.io' if match[2] == 'registry-1.docker.io' else match[2]}/{match[1]}"
    match = _V2.search(text)
    if match is not None and "<" not in match[2]:
        host = "docker.io" if match[1] in ("registry-1.docker.io", "index.docker.io") else match[1]
        tag = (match[3] or "").rstrip(":.")
        mark = "@" if tag.startswith("sha256:") else ":" if tag else ""
        return f"{host}/{match[2]}" + (f"{mark}{tag}" if "manifests" in match[0] else "")
    for match in _IMAGE.finditer(text):
        name = match[1].rstrip(".:")
        if name.lower() not in _NO_IMAGE and (":" in name or "/" in name or len(name) > 2) and not name.isdigit():
            if (
                "/" not in name
                and ":" not in name
                and "@" not in name
                and not match[0].startswith(
                    ("FROM", "docker pull", "docker push", "pulling image", "Pulling from", "Unable")
                )
            ):
                continue
            return str(name)
    return None
