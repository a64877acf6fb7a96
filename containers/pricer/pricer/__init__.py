"""Prices autocallable notes by randomised quasi-Monte Carlo.

Everything here is pure but ``__main__``: markets, notes, seeds and points come in as arguments, numbers go out.
"""
