"""Measurements: speed, accuracy of the log reader, and the judge on simulated histories."""
