"""One thing that is not as it was recorded, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something a person should know of.

    Parameters
    ----------
    run : str
        Uid of the run; empty where it is of none.
    where : str
        File, and line where there is one.
    says : str
        What is wrong, or how it is.
    remedy : str
        What to do; empty for what needs nothing.
    """

    run: str
    where: str
    says: str
    remedy: str = ""

    @property
    def is_wrong(self) -> bool:
        """Whether something is to be done; the others are said for completeness."""
        return bool(self.remedy)

    def __str__(self) -> str:
        return ". ".join(part for part in (f"{self.where}: {self.says.removesuffix('.')}", self.remedy) if part)
