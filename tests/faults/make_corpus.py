"""Writes the corpus of small files that are malformed, or well formed and insane.

``python -m tests.faults.make_corpus``. A format has a folder; the name of a file says what is wrong with it.
"""

import json
from pathlib import Path

from .formats import (
    DERIVED,
    RAW,
    derived_journal,
    plate,
    poni,
    raw_journal,
    shipped,
    spectra,
    structures,
    with_checksum,
)

CORPUS = Path(__file__).with_name("corpus")


def changed(content: bytes, old: str, new: str) -> bytes:
    assert old.encode() in content, old
    return content.replace(old.encode(), new.encode(), 1)


def header(offset: int, word: bytes) -> bytes:
    content = plate()["a.osc"]
    return content[:offset] + word + content[offset + 4 :]


def event_first(content: bytes) -> bytes:
    """Return a journal whose event stands before its start document, with a text in the place of an array."""
    start, descriptor, event, stop = content.splitlines()
    name, doc = json.loads(event)[:2]
    doc["data"]["graininess"] = "text"
    return b"\n".join((with_checksum(json.dumps([name, doc]).encode()[:-1]), start, descriptor, stop, b""))


def corpus() -> dict[str, bytes]:
    """Return the content of every file by its path in the corpus."""
    geometry, experiment = poni(), shipped("simulated/experiments/lics-2015.toml")["lics-2015.toml"]
    recipe = shipped("simulated/recipe.toml")["recipe.toml"]
    profile = shipped("simulated/profile.toml")["profile.toml"]
    cif = next(iter(structures().values()))
    journal = raw_journal()[f"{RAW}.jsonl"]
    derived = derived_journal()[f"{DERIVED}.jsonl"]
    spectrum = spectra()["a.txt"]
    numbers = '\nname = "h"\ntemperature_k = 298.0\ncount = 1000000000000\n'
    return {
        "plate/sixty-thousand-columns.osc": header(768, b"\0\0\xea\x60"),
        "plate/ratio-not-a-number.osc": header(800, b"\x7f\xc0\0\0"),
        "plate/record-beyond-the-file.osc": header(784, b"\x7f\xff\xff\xff"),
        "plate/empty.osc": b"",
        "poni/detector-nobody-knows.poni": changed(geometry, "Detector: Detector", "Detector: detecto"),
        "poni/detector-in-another-file.poni": changed(
            geometry, '{"max_shape"', '{"filename": "/etc/passwd", "max_shape"'
        ),
        "poni/no-pixels.poni": changed(geometry, '"pixel1"', '"pixel_1"'),
        "poni/distance-nan.poni": changed(geometry, "Distance: 0.35", "Distance: nan"),
        "poni/config-is-a-list.poni": changed(geometry, '{"max_shape"', '[{"max_shape"'),
        "experiment/count-of-a-million-millions.toml": experiment + b'[[legs]]\nkind = "hold"' + numbers.encode(),
        "experiment/nul-in-the-title.toml": changed(experiment, "Li-Cs, second", "Li-Cs\\u0000, second"),
        "experiment/nested-without-end.toml": experiment + b"x = " + b"[" * 3000 + b"]" * 3000,
        "experiment/huge-integer.toml": experiment + b"x = 0x" + b"f" * 6000,
        "experiment/utf-16.toml": experiment.decode().encode("utf-16"),
        "recipe/geometry-with-a-nul.toml": changed(recipe, 'geometry = "', 'geometry = "\\u0000'),
        "recipe/geometry-is-a-folder.toml": changed(recipe, 'geometry = "', 'geometry = "/tmp" #'),
        "recipe/phases-is-a-number.toml": b"phases = 3\n" + recipe,
        "profile/limits-are-infinite.toml": changed(profile, "limits_bar = [", "limits_bar = [-inf, "),
        "cif/cell-of-a-kilometre.cif": changed(cif, "_cell_length_a", "_cell_length_a 1e13 #"),
        "cif/symbol-of-many-blanks.cif": changed(
            cif, "_space_group_name_H-M_alt ", f"_space_group_name_H-M_alt 'F{' ' * 50_000}m' #"
        ),
        "cif/no-atoms.cif": b"data_x\n_cell_length_a 3\n",
        "spectrum/counts-beyond-all-numbers.txt": changed(spectrum, "690.000\t", "689.9\t1e999\n690.000\t"),
        "spectrum/one-long-line.txt": b" \t" * 20_000,
        "raw-journal/time-in-milliseconds.jsonl": changed(journal, '"time":1700000000.0', '"time":1700000000000.0'),
        "raw-journal/uid-is-a-path.jsonl": changed(journal, f'"uid":"{RAW}"', '"uid":"/tmp/elsewhere"'),
        "raw-journal/no-reason.jsonl": changed(journal, '"reason":"jam",', ""),
        "raw-journal/array-without-kind.jsonl": changed(journal, '"reason":"jam"', '"reason":{"__npy__":""}'),
        "derived-journal/text-for-an-array-before-the-start.jsonl": event_first(derived),
        "calibration/geometry-nested.json": json.dumps({"digest": "x"}).encode()[:-1] + b',"a":' + b"[" * 5000,
    }


def main() -> None:
    """Write all of them."""
    for name, content in corpus().items():
        path = CORPUS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
