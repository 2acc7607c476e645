"""Formats of how gradients flow through a computation."""
