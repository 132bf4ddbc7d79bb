"""What the notebooks call: open a case, show it, and redraw it when a widget changes.

In: a data folder. Out: things that Jupyter shows. No statistics here: those are ``correlate``'s and ``diagnose``'s.
"""

from analysis.notebook.case import Case, open_case

__all__ = ["Case", "open_case"]
