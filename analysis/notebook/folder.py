"""Which data folder a notebook opens when nobody named one."""

from __future__ import annotations

from pathlib import Path

from analysis.errors import NoDataError

_ROOT = Path(__file__).resolve().parents[2]
LOCAL = _ROOT / "data" / "local"


def data_folder(named: str | Path | None = None, *, root: Path = _ROOT) -> Path:
    """The folder that was named; else ``data/local`` where it holds runs, else ``data/sample``.

    Raises
    ------
    NoDataError
        Neither is there.
    """
    if named:
        return Path(named)
    folders = [base / "data" / name for name in ("local", "sample") for base in (root, Path.cwd())]
    for folder in folders:
        if any((folder / "runs").glob("*")):
            return folder
    raise NoDataError(
        "no data folder is there yet",
        where=str(root / "data"),
        remedy="collect your own history with notebook 01, or write the sample with: actions-incident sample",
    )
