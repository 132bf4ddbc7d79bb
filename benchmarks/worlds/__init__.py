"""Simulated CI histories whose causes are known, for measuring the judge.

Nothing here imports the judge (`analysis.diagnose`, `analysis.correlate`) or the log reader: a world is
simulated from its own model, written down as GitHub and the status pages would serve it, and read back
through the real collector. `families` names the kinds of incident, `world` makes one, `serve` writes it.
"""
