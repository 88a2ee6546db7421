"""What a page of a report is made of: figures inside it, tables, lists, the marks of print; and the page as a file."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from lics_beamline.analysis.row import ReportRow
from lics_beamline.files.whole_file import write_whole

TYPESET: Final = (  # from what a terminal shows to what a page does
    (r"(?<![\d.])1e-4\b", "10\N{SUPERSCRIPT MINUS}\N{SUPERSCRIPT FOUR}"),
    (r"(?<![\d.])1e-3\b", "10\N{SUPERSCRIPT MINUS}\N{SUPERSCRIPT THREE}"),
    (r"(?<![\d.])1e-6\b", "10\N{SUPERSCRIPT MINUS}\N{SUPERSCRIPT SIX}"),
    (r"(\d)e-4\b", "\\1×10\N{SUPERSCRIPT MINUS}\N{SUPERSCRIPT FOUR}"),  # noqa: RUF001
    (r"\bA\^2", "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}\N{SUPERSCRIPT TWO}"),
    (r"\bA\^3", "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}\N{SUPERSCRIPT THREE}"),
    (r"\bangstrom\^3", "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}\N{SUPERSCRIPT THREE}"),
    (r"(?<=[\d)³⁴] )A\b|^A$", "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}"),
    (r"\bchi\^2", "\N{GREEK SMALL LETTER CHI}\N{SUPERSCRIPT TWO}"),
    (r"\balpha_V", "\N{GREEK SMALL LETTER ALPHA}_V"),
    (r"\balpha_L", "\N{GREEK SMALL LETTER ALPHA}_L"),
    (r"\balpha\b", "\N{GREEK SMALL LETTER ALPHA}"),
    (r"\+-", "\N{PLUS-MINUS SIGN}"),
    (r"(?<![\w.])-(?=\d)", "\N{MINUS SIGN}"),
)
STYLE: Final = """
body { font: 16px/1.5 Georgia, 'Times New Roman', serif; color: #1a1a1a; background: #fff;
  max-width: 64rem; margin: 2rem auto; padding: 0 1.5rem; overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.25; margin-bottom: .2rem; }
h2 { font-size: 1.25rem; margin-top: 2.2rem; border-bottom: 1px solid #ccc; padding-bottom: .2rem; }
p.sub { color: #555; margin-top: 0; }
table { border-collapse: collapse; width: 100%; font: 13px/1.35 Helvetica, Arial, sans-serif; margin: .8rem 0; }
th { text-align: left; border-bottom: 2px solid #444; padding: .3rem .5rem; vertical-align: bottom; }
td { border-bottom: 1px solid #ddd; padding: .3rem .5rem; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number { white-space: nowrap; }
td:nth-child(2) { white-space: nowrap; }
td:last-child { overflow-wrap: anywhere; }
td.remark { color: #444; font-size: 12px; }
figure { margin: 1.2rem 0; break-inside: avoid; }
figure img { max-width: 100%; height: auto; }
figcaption { font-size: .88rem; color: #444; }
li { margin-bottom: .45rem; }
footer { margin-top: 2.5rem; font-size: .8rem; color: #555; border-top: 1px solid #ccc; padding-top: .5rem; }
@media print { body { max-width: none; margin: 0; padding: 0; font-size: 11pt; } h2 { break-after: avoid; }
  tr { break-inside: avoid; } }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Illustration:
    """A figure and its caption.

    Parameters
    ----------
    path : Path
        PNG.
    caption : str
        Text below the figure.
    """

    path: Path
    caption: str


def write_page(path: Path, title: str, sections: Sequence[str]) -> None:
    """Write a page that needs nothing else.

    Parameters
    ----------
    path : Path
        The HTML file.
    title : str
        Of the window, as plain text.
    sections : sequence of str
        HTML.
    """
    write_whole(
        path,
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>\n'
        + "\n".join(sections)
        + "\n</body></html>\n",
    )


def figure_element(shown: Illustration) -> str:
    """Return a figure with its picture inside."""
    data = base64.b64encode(shown.path.read_bytes()).decode()
    caption = escape(shown.caption)
    return (
        f'<figure><img alt="{caption}" src="data:image/png;base64,{data}"><figcaption>{caption}</figcaption></figure>'
    )


def table_element(heading: Sequence[str], rows: Iterable[ReportRow], *, numbers: range) -> str:
    """Return a table; the columns `numbers` are set as numbers."""

    def cell(tag: str, column: int, text: str) -> str:
        kind = "number" if column in numbers else "remark" if heading[column] == "remark" else ""
        return f"<{tag}{f' class={kind}' if kind else ''}>{escape(typeset(text))}</{tag}>"

    head = "".join(cell("th", column, text) for column, text in enumerate(heading))
    body = "".join(
        f"<tr>{''.join(cell('td', column, text) for column, text in enumerate(row.cells))}</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def markdown_table(heading: Sequence[str], rows: Iterable[ReportRow]) -> Iterator[str]:
    """Yield a table as lines of Markdown; what its cells say is Markdown."""
    yield f"| {' | '.join(heading)} |"
    yield f"|{'---|' * len(heading)}"
    yield from (f"| {' | '.join(row.cells)} |" for row in rows)


def list_element(lines: Iterable[str]) -> str:
    """Return a list of lines."""
    return f"<ul>{''.join(f'<li>{escape(typeset(line))}</li>' for line in lines)}</ul>"


def typeset(text: str) -> str:
    """Return plain text of a terminal as it is printed on paper."""
    for pattern, printed in TYPESET:
        text = re.sub(pattern, printed, text)
    return text
