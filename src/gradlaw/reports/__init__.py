"""Reports: what a run found as data, in words, as numbers on a line, as scripts that show it, and side by side."""
