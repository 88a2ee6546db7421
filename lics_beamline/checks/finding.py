"""What a rule says: a verdict, what was found, what is allowed, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

Verdict = Literal["ok", "warning", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What one rule makes of one experiment.

    Parameters
    ----------
    verdict : {"ok", "warning", "refused"}
        Refused experiments are not started.
    found : str
        What was found, with number and unit.
    limit : str
        What is allowed, with number and unit.
    remedy : str
        What to do; empty where nothing is to be done.
    """

    verdict: Verdict
    found: str
    limit: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFinding:
    """A judgement under the name of its rule.

    Parameters
    ----------
    group : str
        What the rule is about: ``path``, ``load``, ``heating`` ...
    rule : str
        Name of the rule.
    verdict, found, limit, remedy
        See `Judgement`.
    """

    group: str
    rule: str
    verdict: Verdict
    found: str
    limit: str
    remedy: str

    @property
    def says(self) -> str:
        """Number, limit and remedy in one sentence or two."""
        return f"{self.found}; allowed: {self.limit}." + (f" {self.remedy}" if self.remedy else "")

    def as_dict(self) -> dict[str, str]:
        """Return it as plain values."""
        return {
            "group": self.group,
            "rule": self.rule,
            "verdict": self.verdict,
            "found": self.found,
            "limit": self.limit,
            "remedy": self.remedy,
            "says": self.says,
        }


Known = TypeVar("Known", contravariant=True)
Rule = Callable[[Known], Judgement | None]


def refused_if(bad: bool, found: str, limit: str, remedy: str) -> Judgement:
    """Refuse where `bad`, else be content."""
    return Judgement(verdict="refused", found=found, limit=limit, remedy=remedy) if bad else fine(found, limit)


def warned_if(bad: bool, found: str, limit: str, remedy: str) -> Judgement:
    """Warn where `bad`, else be content."""
    return Judgement(verdict="warning", found=found, limit=limit, remedy=remedy) if bad else fine(found, limit)


def graded(*, refuse: bool, warn: bool, found: str, limit: str, remedy: str) -> Judgement:
    """Refuse, warn, or be content, in this order."""
    if refuse:
        return refused_if(True, found, limit, remedy)
    return warned_if(warn, found, limit, remedy)


def fine(found: str, limit: str) -> Judgement:
    """Be content."""
    return Judgement(verdict="ok", found=found, limit=limit)


def findings(group: str, rules: tuple[Rule[Known], ...], known: Known) -> tuple[CheckFinding, ...]:
    """Apply rules; one that does not apply says nothing.

    Parameters
    ----------
    group : str
        Name of the group.
    rules : tuple of callable
        Functions whose names, with blanks for underscores, are the names of the rules.
    known : object
        What the rules judge.
    """
    said = ((rule, rule(known)) for rule in rules)
    return tuple(
        CheckFinding(
            group=group,
            rule=rule.__name__.replace("_", " "),
            verdict=judgement.verdict,
            found=judgement.found,
            limit=judgement.limit,
            remedy=judgement.remedy,
        )
        for rule, judgement in said
        if judgement is not None
    )
