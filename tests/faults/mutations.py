"""Makes broken inputs out of sound ones: bytes that were damaged, and values that are well formed and insane."""

import copy
import random
import re

NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
NUMBERS = (b"nan", b"-inf", b"inf", b"0", b"-1", b"1e308", b"-1e308", b"5e-324", b"1e999", b"1" * 400, b"9" * 5000)
WORDS = ("\0", "\x1b[31m", "\ud800", "é" * 50, "../" * 20, "=cmd()", "x" * 5000, "", "/etc/passwd", "NaN", "\u202e")
ODD = (None, True, -1, 0, 1e308, -1e308, 5e-324, float("nan"), float("inf"), 10**30, 10**400, "", [], {}, [[]], "text")
JUNK = (
    b"\0",
    b"\xff\xfe",
    b"[" * 200,
    b'"',
    b"{" * 50,
    b"\n" * 50,
    b"\xed\xa0\x80",
    b"#",
    b"=",
    b":",
    b"\\u0000",
    b" " * 999,
    b"9" * 150_000,  # what reads a number, a cell or a gap in more than one way takes the square of its length
    b" " * 150_000,
    b";" * 150_000,
    b"a." * 75_000,  # a key of TOML, and whatever has parts
)


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return bytes with one to three faults: as a disk, a cable, an editor or an enemy makes them."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        content = rng.choice(BYTE_FAULTS)(content, rng)
    return content


def _flip(content, rng):
    if not content:
        return content
    flipped = bytearray(content)
    for _ in range(rng.choice((1, 1, 4, 32))):
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def _cut(content, rng):
    at = rng.randrange(len(content) + 1)
    return content[:at] if rng.random() < 0.5 else content[:at] + content[at + rng.randrange(1, 200) :]


def _double(content, rng):
    begin, end = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    return content[:end] + content[begin:end] + content[end:]


def _swap(content, rng):
    lines = content.split(b"\n")
    first, second = (rng.randrange(len(lines)) for _ in range(2))
    lines[first], lines[second] = lines[second], lines[first]
    return b"\n".join(lines)


def _insert(content, rng):
    at = rng.randrange(len(content) + 1)
    return content[:at] + rng.choice(JUNK) + content[at:]


def _number(content, rng):
    places = list(NUMBER.finditer(content[:200_000]))
    if not places:
        return _flip(content, rng)
    place = rng.choice(places)
    return content[: place.start()] + rng.choice(NUMBERS) + content[place.end() :]


def _field(content, rng):
    """Four bytes in the header of a binary file: huge, negative, not a number."""
    at = rng.randrange(0, max(min(len(content), 1400) - 4, 1)) & ~3
    word = rng.choice((b"\x7f\xc0\0\0", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\0\0\xea\x60", b"\0\0\0\0"))
    return content[:at] + word + content[at + 4 :]


BYTE_FAULTS = (_flip, _cut, _double, _swap, _insert, _number, _number, _field)


def insane(value: object, rng: random.Random) -> object:
    """Return a copy of nested values in which one to three places are missing, another thing, or nested too deep."""
    value = copy.deepcopy(value)
    for _ in range(rng.choice((1, 1, 2, 3))):
        places = list(_places(value))
        if not places:
            break
        holder, key = rng.choice(places)
        if rng.random() < 0.2:
            holder.pop(key)
        else:
            holder[key] = rng.choice(VALUE_FAULTS)(holder[key], rng)
    return value


def _places(value):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items):
        yield value, key
        yield from _places(item)


def _nested(value, rng):
    for _ in range(rng.choice((45, 300))):
        value = [value] if rng.random() < 0.5 else {"a": value}
    return value


VALUE_FAULTS = (
    lambda _, rng: copy.deepcopy(rng.choice(ODD)),
    lambda _, rng: copy.deepcopy(rng.choice(ODD)),
    lambda _, rng: rng.choice(WORDS),
    lambda value, _: str(value),
    lambda value, _: [value],
    lambda value, _: {"a": value},
    lambda value, _: value * 1e300 if isinstance(value, float) else value,
    lambda value, _: -value if isinstance(value, (int, float)) else value,
    _nested,
)
