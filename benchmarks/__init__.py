"""Measurements: speed, accuracy of the log reader, and the judge on simulated histories."""

# Before NumPy: the package says how many threads it has.
from analysis import __version__ as __version__
