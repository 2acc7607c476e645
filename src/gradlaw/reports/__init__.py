"""Reports: what a run found, as text, as JSON, and as scripts that show it."""
