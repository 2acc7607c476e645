"""Targets: engines on trial. Two helpers make one, and a name, a module or a file finds one."""

from gradlaw.targets.functional import functional_target
from gradlaw.targets.loading import load_target
from gradlaw.targets.tape import tape_target

__all__ = ["functional_target", "load_target", "tape_target"]
