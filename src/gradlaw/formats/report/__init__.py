"""Formats of a finished run."""
