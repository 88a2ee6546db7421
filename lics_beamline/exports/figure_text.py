"""What people and files say, as text of a figure: matplotlib takes what stands between two dollars for mathematics."""

from __future__ import annotations


def plain(text: str) -> str:
    """Return a text as matplotlib shows it letter by letter, whatever dollars it has.

    Parameters
    ----------
    text : str
        A title, the name of a leg, of a sample, of a model.
    """
    return text.replace("$", r"\$")
