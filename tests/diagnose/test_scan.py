"""Windows in which failures crowd."""

from __future__ import annotations

import numpy as np

from analysis.diagnose.scan import as_outage, window, windows

HOUR = 3600.0


def test_the_best_window_is_the_burst() -> None:
    times = np.arange(0.0, 500.0) * HOUR
    hits = np.concatenate([times[200:220], times[[40, 333, 410]]])
    best = windows(np.sort(hits), np.ones(len(hits)), times, np.ones(len(times)))[0]
    assert best.start == 200 * HOUR
    assert best.end == 219 * HOUR


def test_two_bursts_are_offered_as_one_union() -> None:
    times = np.arange(0.0, 600.0) * HOUR
    hits = np.concatenate([times[100:112], times[400:412]])
    unions = [w for w in windows(hits, np.ones(len(hits)), times, np.ones(len(times))) if len(w.spans) == 2]
    assert [s for w in unions for s in w.spans][:2] == [(100 * HOUR, 111 * HOUR), (400 * HOUR, 411 * HOUR)]


def test_a_window_between_crowded_jobs_costs_more_than_one_between_rare_jobs() -> None:
    rare, dense = np.arange(0.0, 100.0) * 5 * HOUR, np.arange(0.0, 1000.0) * HOUR / 2
    costs = []
    for times in (rare, dense):
        hits = times[(times >= 200 * HOUR) & (times <= 230 * HOUR)]
        costs.append(windows(hits[[0, -1]], np.ones(2), times, np.ones(len(times)))[0].log_prior)
    assert costs[0] > costs[1]


def test_no_failure_gives_no_window() -> None:
    assert windows(np.zeros(0), np.zeros(0), np.arange(10.0), np.ones(10)) == []


def test_an_edge_is_less_certain_where_only_some_of_the_jobs_inside_fail() -> None:
    times = np.arange(0.0, 14 * 86400.0, 1800.0)
    start, end = float(times[240]), float(times[255])
    sure, some = (window(start, end, times, rate=rate).log_prior for rate in (1.0, 0.4))
    assert some > sure
    assert some - sure < 2 * np.log(1 / 0.4) + 0.01


def test_a_lone_failure_far_off_is_no_second_burst() -> None:
    times = np.arange(0.0, 600.0) * HOUR
    hits = np.concatenate([times[100:112], times[[400]]])
    found = windows(hits, np.ones(len(hits)), times, np.ones(len(times)))
    assert all(len(w.spans) == 1 for w in found)


def test_an_outage_of_days_costs_more_than_one_of_hours() -> None:
    times = np.arange(0.0, 14 * 86400.0, 1800.0)
    price = {hours: (plain := window(100 * HOUR, (100 + hours) * HOUR, times), as_outage(plain)) for hours in (2, 72)}
    cost = {hours: outage.log_prior - plain.log_prior for hours, (plain, outage) in price.items()}
    assert cost[2] > 0 > cost[72] > np.log(0.5) - 1e-9
