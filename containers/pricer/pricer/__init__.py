"""Prices autocallable notes by randomised quasi-Monte Carlo.

Everything here is pure but ``__main__``: markets, notes, seeds and points come in as arguments, numbers go out.
"""

import os

# Before numpy is loaded: children share the machine, and a product of matrices has the same bits everywhere.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
