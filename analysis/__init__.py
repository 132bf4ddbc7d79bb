"""Was the action upgrade guilty, or is a registry failing?

The package that the notebooks and the ``actions-incident`` command share. Data flows one way:
collect, store, facts, correlate, diagnose, show; ``docs/architecture.md`` draws the layers.
"""

__version__ = "0.1.0"
