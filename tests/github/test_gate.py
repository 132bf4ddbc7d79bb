"""Waiting can be ended, and a client gives back what it borrowed."""

from __future__ import annotations

import threading
import time

import pytest

from analysis.errors import RateLimitError
from analysis.github.gate import Gate


def test_whoever_waits_for_an_hour_is_woken_when_the_user_stops() -> None:
    gate = Gate(budget=None, rate=None, wait=True, clock=time.time)
    gate.hold(3600)
    woken: list[Exception] = []

    def wait() -> None:
        try:
            gate.enter()
        except RateLimitError as error:
            woken.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    gate.stop()
    thread.join(timeout=5)
    assert not thread.is_alive() and len(woken) == 1


def test_a_limit_longer_than_any_real_one_is_not_waited_for() -> None:
    gate = Gate(budget=None, rate=None, wait=True, clock=lambda: 0.0, sleep=lambda s: None)
    gate.hold(86_400)
    with pytest.raises(RateLimitError, match="1440 minutes"):
        gate.enter()


def test_a_secondary_limit_slows_the_pace_down_for_good() -> None:
    slept: list[float] = []
    gate = Gate(budget=None, rate=10.0, wait=True, clock=lambda: 0.0, sleep=slept.append)
    gate.enter()
    gate.hold(0, secondary=True)
    for _ in range(3):
        gate.enter()
    assert slept == pytest.approx([0.1, 0.3, 0.5])


def test_a_pause_is_told_once_to_whoever_watches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate(budget=None, rate=None, wait=True, clock=lambda: 0.0, sleep=lambda s: None)
    gate.hold(720)
    gate.enter()
    gate.enter()
    assert [record.getMessage().split(":")[1].split("(")[0].strip() for record in caplog.records] == [
        "waiting 12 minutes"
    ]
