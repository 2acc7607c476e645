"""Running: a target's work in worker processes, and what is made of those that are lost."""
