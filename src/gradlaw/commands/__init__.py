"""The commands: what each one does once its options are read, one file a command."""

from typing import Final

NO_VIOLATION: Final = 0
VIOLATIONS: Final = 1
WRONG_USAGE: Final = 2
UNFINISHED: Final = 3
"""The exit statuses of every command: 3 says that the run did not finish, by an interrupt or by a fault of gradlaw."""
