"""Loading: a target by its name, its module or its file, with one clear line where that fails."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from traceback import walk_tb
from types import ModuleType
from typing import Any, Final

import numpy as np

from gradlaw.messages import error_line, near
from gradlaw.targets.apart import as_before, under
from gradlaw_spec import SpecError, Target
from gradlaw_spec.text import one_line, tame, type_name

GROUP: Final = "gradlaw.targets"
"""Entry points in this group are targets: ``name = package.module:attribute``."""
BUILT_IN: Final[dict[str, tuple[str, str]]] = {
    "reference": ("gradlaw", "The reference implementation in plain floating point."),
    "jax": ("jax", "JAX: jax.vjp of jax.numpy functions, run eagerly."),
    "torch": ("torch", "PyTorch: torch.autograd.grad."),
    "autograd": ("autograd", "HIPS autograd: autograd.make_vjp of autograd.numpy functions."),
    "micrograd": ("micrograd", "micrograd: Value.backward, one number at a time."),
}
"""The targets that come with gradlaw, each with its engine's distribution and what it runs."""
WHERE: Final = "target"


def entry_point_targets() -> dict[str, EntryPoint]:
    """Return the targets that installed packages offer, by name (the built-in ones are found without)."""
    return {point.name: point for point in entry_points(group=GROUP) if point.name not in BUILT_IN}


def load_target(text: str) -> Target:
    """Return the target that a text names.

    It is the name of a built-in target or of an entry point in the group ``gradlaw.targets``, or
    ``package.module:attribute``, or ``path/to/file.py:attribute`` (the attribute is ``target`` where none is
    given). What its code sets for all of NumPy (``np.seterr``) holds in its calls alone. Raises SpecError, in one
    line, where there is no such target, or its code cannot be imported.
    """
    before = np.geterr()
    with as_before():
        target = _found(text)
        floats = np.geterr()
    return target if floats == before else under(target, floats)


def _found(text: str) -> Target:
    place, colon, attribute = _split(text)
    offered = entry_point_targets()
    if not colon and place in BUILT_IN:
        module, attribute = _import(text, f"gradlaw.engines.{place}"), "target"
    elif not colon and place in offered:
        module, attribute = _import(text, offered[place].module), offered[place].attr or "target"
    elif place.endswith(".py"):
        module = _import_file(text, Path(place))
    elif colon and all(part.isidentifier() for part in place.split(".")):
        module = _import(text, place)
    else:
        expected = "a target's name, package.module:attribute or path/to/file.py:attribute"
        raise SpecError(WHERE, f"target={text!r}", expected, near(place, (*BUILT_IN, *offered)))
    return _attribute(text, module, attribute)


def _split(text: str) -> tuple[str, str, str]:
    """Split ``place:attribute``; a drive letter of a path is no attribute."""
    place, colon, attribute = text.rpartition(":")
    if not colon or not all(part.isidentifier() for part in attribute.split(".")):
        return text, "", "target"
    return place, colon, attribute


def _import(text: str, path: str) -> ModuleType:
    """Import a module; adapters in the working directory are found, after everything that is installed."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        return importlib.import_module(path)
    except SpecError:
        raise
    except Exception as error:
        raise _not_imported(text, path, error) from None


def _import_file(text: str, path: Path) -> ModuleType:
    if not path.is_file():
        folder = path.parent
        names = sorted(found.name for found in folder.glob("*.py")) if folder.is_dir() else []
        cure = near(path.name, names) if names else "Check the path."
        raise SpecError(WHERE, f"target={text!r}", f"a file {path}", cure)
    folder_name = str(path.resolve().parent)
    if folder_name not in sys.path:
        sys.path.append(folder_name)
    name = f"gradlaw_adapter_{path.stem}"
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise SpecError(WHERE, f"target={text!r}", "a Python file", "Check the path.")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    try:
        found.loader.exec_module(module)
    except SpecError:
        raise
    except Exception as error:
        raise _not_imported(text, str(path), error) from None
    return module


def _not_imported(text: str, place: str, error: Exception) -> SpecError:
    missing = error.name or "" if isinstance(error, ModuleNotFoundError) else ""
    if text in BUILT_IN and missing.split(".")[0] == text:
        return SpecError(WHERE, f"target={text!r}", f"{text} to be installed", f"Run: pip install gradlaw[{text}]")
    raised = _raised_elsewhere(error, place)
    mend = f"Mend {place}." if not raised else f"It comes from {raised}: mend that, or {place}."
    cure = f"Install {missing}." if missing and missing != place else mend
    return SpecError(f"target={text!r}", error_line(error), f"{place} to import", cure)


def _raised_elsewhere(error: Exception, place: str) -> str:
    """Return where what an adapter imports raised, as the last line of that package; nothing where it did itself."""
    frames = [(Path(frame.f_code.co_filename).resolve(), line) for frame, line in walk_tb(error.__traceback__)]
    adapter = Path(place).resolve()
    own = [position for position, (file, _) in enumerate(frames) if file == adapter]
    behind = [(file, line) for file, line in frames[own[-1] + 1 :] if file.is_file()] if own else []
    package = [(file, line) for file, line in behind if file.is_relative_to(behind[0][0].parent)]
    return "{}:{}".format(*package[-1]) if package else ""


def _attribute(text: str, module: ModuleType, attribute: str) -> Target:
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            targets = [name for name, value in vars(module).items() if isinstance(value, Target)]
            cure = near(part, targets) if targets else "Make one with gradlaw.tape_target or gradlaw.functional_target."
            raise SpecError(WHERE, f"target={text!r}", f"an attribute {part!r} in {module.__name__}", cure)
        found = getattr(found, part)
    if not isinstance(found, Target):
        kind = type(found).__name__
        cure = "Make one with gradlaw.tape_target or gradlaw.functional_target."
        raise SpecError(f"target={text!r}", f"{attribute} of type {kind}", "a gradlaw Target", cure)
    return _plain(text, found)


def _plain(text: str, target: Target) -> Target:
    """Return a target whose claims are plain data of Python's own types, printable and short."""
    for key, claim in (("name", target.name), ("version", target.version)):
        if not isinstance(claim, str):
            raise SpecError(f"target={text!r}", f"{key} of type {type_name(claim)}", "a string", "Write it in quotes.")
    try:
        return replace(
            target,
            name=one_line(tame(target.name)),
            version=one_line(tame(target.version)),
            levels=tuple(map(str.__str__, target.levels)),
            dtypes=tuple(map(str.__str__, target.dtypes)),
            primitives=frozenset(map(str.__str__, target.primitives)),
            accuracies={str.__str__(name): int(k) for name, k in target.accuracies.items()},
        )
    except (TypeError, ValueError, AttributeError) as error:
        expected = "levels, dtypes and primitives that are strings"
        raise SpecError(f"target={text!r}", error_line(error), expected, "See gradlaw.Target.") from None
