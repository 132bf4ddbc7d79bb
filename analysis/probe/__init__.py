"""Look at registries over the OCI distribution API, from here or from the runners; rows of ``probes``.

A healthy look from a laptop does not show what the runners see: their addresses, the CDN's edges and the limits differ.
``probe_workflow`` writes a workflow that looks from there.
"""

from analysis.probe.look import Memory, Target
from analysis.probe.results import is_probes, probe_row, read_probes
from analysis.probe.rounds import probe, probe_registries
from analysis.probe.workflow import probe_workflow

__all__ = [
    "Memory",
    "Target",
    "is_probes",
    "probe",
    "probe_registries",
    "probe_row",
    "probe_workflow",
    "read_probes",
]
