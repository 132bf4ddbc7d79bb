"""Was the action upgrade guilty, or is a registry failing?

The package that the notebooks and the ``actions-incident`` command share. Data flows one way:
collect, store, facts, correlate, diagnose, show; ``docs/architecture.md`` draws the layers.
"""

import os

# The judge multiplies many small matrices: threads of BLAS cost it more than they give, nine times on a busy machine.
# It is read when NumPy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"
