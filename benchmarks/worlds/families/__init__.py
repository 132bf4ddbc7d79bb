"""Every kind of incident, by name: a function that sets it up on a `Setup`."""

from benchmarks.worlds.families import calm, changes, services, versions
from benchmarks.worlds.families.registry import FAMILIES

__all__ = ["FAMILIES", "calm", "changes", "services", "versions"]
