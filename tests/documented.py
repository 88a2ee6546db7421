"""What the documents show: commands with what they print, and files with what is in them."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```\{code-block\} (\w+)\n(?::caption: (\S+)\n\n?)?(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPT = "$ "
ELLIPSIS = "..."
NUMBER = re.compile(r"\S*\d\S*")  # a word with a digit in it: a number, a uid, a path, a date


@dataclass(frozen=True)
class Command:
    """A command as it is typed, and the lines shown below it."""

    line: str
    output: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        """The words of the command."""
        return shlex.split(self.line)


def pages() -> list[Path]:
    """Return every page of the documents that a person wrote."""
    written = [page for page in sorted(DOCS.rglob("*.md")) if not {"_build", "generated"} & set(page.parts)]
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *written]


def commands(page: Path) -> list[Command]:
    """Return the commands of a page's console blocks, in order."""
    found = []
    for language, _, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language != "console":
            continue
        for line in text.splitlines():
            if line.startswith(PROMPT):
                found.append((line.removeprefix(PROMPT), []))
            elif line.strip():
                found[-1][1].append(line)
    return [Command(line=line, output=tuple(output)) for line, output in found]


def files(page: Path) -> dict[str, str]:
    """Return the files that a page shows under their names."""
    return {name: text for _, name, text in BLOCK.findall(page.read_text(encoding="utf-8")) if name}


def words_of(line: str) -> list[str]:
    """Return the words of a line that are the same in every run: no numbers, no uids, no paths."""
    words = (word.rstrip(",") for word in line.split())  # a list may be longer in another run
    return [word for word in words if not NUMBER.fullmatch(word) and "/" not in word]


def shown_in(shown: tuple[str, ...], printed: str) -> list[str]:
    """Return the lines that a page shows and a run did not print, in this order; numbers may differ."""
    lines = [words_of(line) for line in printed.splitlines()]
    missing = []
    for line in shown:
        wanted = words_of(line)
        if line.strip() == ELLIPSIS or not wanted:
            continue
        at = next((place for place, words in enumerate(lines) if is_part(wanted, words)), None)
        if at is None:
            missing.append(line)
        else:
            lines = lines[at + 1 :]
    return missing


def is_part(wanted: list[str], words: list[str]) -> bool:
    """Tell whether words occur among others, in their order."""
    rest = iter(words)
    return all(word in rest for word in wanted)
