"""Shared by the little functions."""

SHARED = "from the layer"
