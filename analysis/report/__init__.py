"""The incident report: one file that opens anywhere, offline, for people who have no Python.

In: a data folder, a scope and a question. Out: an HTML page or Markdown. ``notebooks/incident_report.ipynb`` is run
with papermill, each of its cells shows one section (`sections.Report`), and nbconvert puts the sections into the
kit's own template (`export`).
"""

from analysis.report.open import open_report
from analysis.report.sections import Report
from analysis.report.write import Written, write_report

__all__ = ["Report", "Written", "open_report", "write_report"]
