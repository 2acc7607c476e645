"""Formats of reports side by side."""
