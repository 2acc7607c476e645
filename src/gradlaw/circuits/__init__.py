"""Circuits: how gradients flow through a computation, as data; `gradlaw.formats.explanation` shows it."""
