"""Secrets leave a log by their form; evidence stays, and masking twice changes nothing."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.facts import redact as module
from analysis.facts.redact import redact

RULES = tomllib.loads(Path(module.__file__).with_name("secrets.toml").read_text("utf-8"))["secret"]
EXAMPLES = [(rule["kind"], example) for rule in RULES for example in rule["examples"]]


@pytest.mark.parametrize(("kind", "example"), EXAMPLES)
def test_each_kind_of_secret_is_masked_with_its_kind_and_length_class(kind: str, example: str) -> None:
    masked = redact(example.encode()).decode()
    assert masked != example and f"***{kind}:" in masked
    assert redact(masked.encode()).decode() == masked


EVIDENCE = (
    "Download action repository 'actions/checkout@v4' (SHA:11bd71901bbe5b1630ceea73d27597364c9af683)",
    "#5 resolve docker.io/library/node:18@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef done",
    "Run docker/build-push-action@b32b51a8eda65d6793cd0494a773d4f6bcef32dc",
    'failed commit on ref "layer-sha256:49507e21bb5d0cee4bce2fee3248063d1eff846974de5da2d70f7edc07af9181": no response',
    "  token: ***",
    "unauthorized: incorrect username or password",
)


@pytest.mark.parametrize("line", EVIDENCE)
def test_commits_digests_and_the_runners_own_masks_stay(line: str) -> None:
    assert redact(line.encode()).decode() == line


def test_a_head_that_reads_as_utf16_only_without_its_secret_is_masked_once_for_all() -> None:
    token = b"eyJ" + b"A" * 40 + b".eyJ" + b"B" * 40 + b"." + b"C" * 40
    log = "registry login ".encode("utf-16-le") * 3 + token + "after it".encode("utf-16-le")
    assert redact(redact(log)) == redact(log)
    assert token not in redact(log)


def test_many_keys_without_an_end_stay_linear() -> None:
    log = b"-----BEGIN RSA PRIVATE KEY-----\n" * 150_000 + b"-----END RSA PRIVATE KEY-----\nafter\n"
    began = time.process_time()
    assert redact(log).endswith(b"after\n")
    assert time.process_time() - began < 3


def test_a_private_key_goes_whole_and_the_lines_keep_their_numbers() -> None:
    log = b"before\n-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nq9zX\n-----END RSA PRIVATE KEY-----\nafter"
    masked = redact(log)
    assert b"MIIE" not in masked and b"q9zX" not in masked
    assert masked.split(b"\n")[5] == b"after" and masked.startswith(b"before\n***private-key")


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.sampled_from([example for _, example in EXAMPLES] + [" ", "\n", "=", "'", "x", "https://"]), max_size=8)
)
def test_masking_is_idempotent_whatever_stands_together(pieces: list[str]) -> None:
    masked = redact("".join(pieces).encode())
    assert redact(masked) == masked
