"""The laws: one module each, found by its name; its page in the law book says what it means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType

from gradlaw_properties.judge import Outcome
from gradlaw_properties.mutants import Mutant
from gradlaw_properties.needs import Need
from gradlaw_properties.trial import Trial
from gradlaw_spec import Case, Law, Primitive, SpecError, Target, load_laws


@dataclass(frozen=True, slots=True)
class RunnableLaw:
    """A law, ready to run."""

    page: Law
    """Its page in the law book."""
    check: Callable[[Trial], Outcome]
    """What it finds on a trial that has what it needs."""
    applies: Callable[[Primitive | None], bool]
    """Whether it speaks about a primitive (None: about programs)."""
    mutants: tuple[Mutant, ...]
    """Wrong engines that it kills."""
    needs: tuple[Need, ...] = ()
    """What it needs of an engine and of a case."""

    cases: Callable[[Target, str, str], Iterable[Case]] | None = None
    """The cases of its own, for a target, a subject and a dtype, if it needs no random ones."""

    @property
    def sweeps(self) -> bool:
        """Whether it tries all that there is, on cases of its own, where it is asked for by its name."""
        return self.page.campaign and self.cases is not None

    def judges(self, dtype: str) -> bool:
        """Whether it speaks about values of a dtype."""
        return not self.page.dtypes or dtype in self.page.dtypes

    def lacking(self, target: Target) -> str:
        """Return what it needs and an engine has not; empty where it can be run there."""
        return ", ".join(need.what for need in self.needs if not need.of_target(target))

    def takes(self, trial: Trial) -> bool:
        """Whether a trial's case is an example of it."""
        return all(need.of_case(trial) for need in self.needs)


def _applies_by_page(law: Law, narrower: Callable[[Primitive | None], bool]) -> Callable[[Primitive | None], bool]:
    def applies(page: Primitive | None) -> bool:
        if page is None:
            return law.subject != "primitive" and narrower(page)
        if law.subject == "program" or (law.patterns and page.pattern not in law.patterns):
            return False
        return narrower(page)

    return applies


@cache
def all_laws() -> Mapping[str, RunnableLaw]:
    """Return every law by id; raise SpecError where a page has no module."""
    laws = {}
    for name, page in load_laws().items():
        path = f"gradlaw_properties.laws.{name.replace('-', '_')}"
        try:
            module = import_module(path)
        except ModuleNotFoundError as error:
            if error.name != path:
                raise
            cure = f"Write {path.replace('.', '/')}.py, or remove the page."
            raise SpecError(f"spec/laws/{name}.md", "no module", "a check for each law", cure) from None
        narrower = getattr(module, "applies", lambda page: True)
        laws[name] = RunnableLaw(
            page,
            module.check,
            _applies_by_page(page, narrower),
            module.MUTANTS,
            getattr(module, "NEEDS", ()),
            getattr(module, "cases", None),
        )
    return MappingProxyType(laws)
