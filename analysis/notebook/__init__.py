"""What the notebooks call: open a history, show it, and redraw it when a widget changes.

`start` (services, checks, token, scope) · `collecting` (the form of notebook 01) · `history` and `case` (what is
looked at, without and with a verdict) · `views` (from a choice to a figure and its conclusion) · `widgets` (the
choices) · `clusters` (unknown failures) · `strip`, `export`. No statistics here: those are ``correlate``'s and
``diagnose``'s.
"""
