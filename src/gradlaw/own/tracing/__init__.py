"""Definitions out of references that somebody has: what a library does is read as steps of the law book."""
