"""What a person answers to a question at the terminal: read, or refused by a `ValueError` that says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from lics_beamline.checks.record import FORMULA
from lics_beamline.control.path import MOST_POINTS


def text(answer: str) -> str:
    """Return an answer that must not be empty."""
    if not answer:
        raise ValueError("it needs an answer")
    return answer


def formula(answer: str) -> str:
    """Return a chemical formula."""
    if not FORMULA.fullmatch(answer):
        raise ValueError(f"{answer!r} is no chemical formula; LiCs, Li0.5Cs0.5, NaCl are")
    return answer


def span(limits: Sequence[float]) -> str:
    """Return limits as people say them."""
    return f"{limits[0]:g} to {limits[1]:g}"


def between(low: float, high: float) -> Callable[[str], float]:
    """Return what reads a number within limits."""

    def read(answer: str) -> float:
        try:
            value = float(answer)
        except ValueError:
            raise ValueError(f"{answer!r} is no number") from None
        if not low <= value <= high:  # NaN is not
            raise ValueError(f"{answer} does not lie within {low:g} to {high:g}")
        return value

    return read


def whole(low: int, high: int) -> Callable[[str], float]:
    """Return what reads a whole number within limits."""

    def read(answer: str) -> float:
        value = between(low, high)(answer)
        if value != int(value):
            raise ValueError(f"{answer} is no whole number")
        return value

    return read


def one_of(letters: str) -> Callable[[str], str]:
    """Return what reads one letter of several."""

    def read(answer: str) -> str:
        if len(answer) != 1 or answer.lower() not in letters:
            raise ValueError(f"one letter of {', '.join(letters)}")
        return answer.lower()

    return read


def several(low: float, high: float, *, down: bool) -> Callable[[str], list[float]]:
    """Return what reads numbers, or first:last:step, as a list that goes one way."""

    def read(answer: str) -> list[float]:
        first, *rest = answer.replace(",", " ").split() or [""]
        number = between(low, high)
        if ":" in first and not rest:
            return _ladder(first, number)
        values = [number(each) for each in (first, *rest)]
        wrong = [(one, other) for one, other in pairwise(values) if (other < one) != down or one == other]
        if wrong:
            one, other = wrong[0]
            raise ValueError(f"{one:g}, then {other:g}: they {'fall' if down else 'rise'} on this leg")
        return values

    def _ladder(text: str, number: Callable[[str], float]) -> list[float]:
        parts = text.split(":")
        if len(parts) != 3:
            raise ValueError(f"{text!r} is not first:last:step")
        begin, end = number(parts[0]), number(parts[1])
        step = between(1e-6, 1e6)(parts[2].lstrip("-"))
        if (end < begin) != down:
            raise ValueError(f"{text}: they {'fall' if down else 'rise'} on this leg")
        count = int(abs(end - begin) / step + 1e-9) + 1
        if count > MOST_POINTS:
            raise ValueError(f"{text} are {count} points; a path has {MOST_POINTS} at most")
        return [round(begin + (-step if down else step) * index, 9) for index in range(count)]

    return read
