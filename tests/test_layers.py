"""Modules import only from layers below their own (docs/architecture.md)."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "analysis"

LAYERS = {
    "__init__": 0, "store": 0, "schema": 0, "scope": 0, "errors": 0,
    "facts": 1, "github": 1, "status": 1, "probe": 1,
    "correlate": 2,
    "collect": 3, "import_": 3, "sample": 3, "diagnose": 3, "experiment": 3, "rollback": 3, "prune": 3, "doctor": 3,
    "charts": 4,
    "report": 5, "triage": 5, "notebook": 5, "cli": 5, "__main__": 5,
}  # fmt: skip

# Within a layer, who may lean on whom: a sample takes the path of real history.
SAME_LAYER = {
    ("sample", "collect"), ("import_", "collect"), ("triage", "report"), ("cli", "report"), ("cli", "triage"),
    ("cli", "notebook"), ("report", "notebook"), ("__main__", "cli"), ("doctor", "collect"),
    ("store", "schema"), ("store", "errors"), ("scope", "errors"),
}  # fmt: skip


def room(parts: tuple[str, ...]) -> str:
    return parts[0].removesuffix(".py") if parts else "__init__"


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").split(".")[0] == "analysis":
            below = (node.module or "").split(".")[1:]
            found |= {below[0]} if below else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("analysis.")}
    return {name if name in LAYERS else "__init__" for name in found}


MODULES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_imports_only_from_layers_below(path: Path) -> None:
    own = room(path.relative_to(ROOT).parts)
    assert own in LAYERS, f"{own} has no layer: add it to docs/architecture.md and to this test"
    for other in imports(path) - {own, "__init__"}:
        allowed = LAYERS[other] < LAYERS[own] or (own, other) in SAME_LAYER
        assert allowed, f"{path.relative_to(ROOT)} (layer {LAYERS[own]}) imports {other} (layer {LAYERS[other]})"


def test_no_module_imports_with_dots_around_the_layers() -> None:
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}: write the import in full"
