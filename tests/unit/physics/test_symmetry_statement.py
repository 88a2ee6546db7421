"""Symbols of space groups as other programs spell them: read as the tables have them, or the nearest is named."""

import gemmi
import pytest

from lics_beamline.physics.symmetry_statement import named_groups, nearest_symbol


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        ("P63MMC", "P 63/m m c"),
        ("P63/MMC", "P 63/m m c"),
        ("P2(1)2(1)2(1)", "P 21 21 21"),
        ("P 21 21 21 (19)", "P 21 21 21"),
        ("PM3M", "P m -3 m"),
        ("I41/amdS", "I 41/a m d:1"),
        ("F d -3 m:2", "F d -3 m:2"),
        ("R -3 m H", "R -3 m:H"),
        ("-P 6c 2c", "P 63/m m c"),
        ("-F 4 2 3", "F m -3 m"),
        ("P 2ac 2ab", "P 21 21 21"),
        ("No. 225", "F m -3 m"),
        ("Fm\N{MACRON}3m", "F m -3 m"),
        ("Fm{-3}m", "F m -3 m"),
    ],
)
def test_a_symbol_is_read_as_other_programs_spell_it(spelled, meant):
    assert named_groups(spelled) == (meant,)


def test_every_symbol_of_the_tables_is_read_without_blanks_strokes_and_lower_case():
    for group in gemmi.spacegroup_table():
        squeezed = group.short_name().replace("/", "").upper()
        if squeezed.endswith(")"):  # an origin that no other program writes: C 2 2 21a)
            continue
        assert any(symbol.startswith(group.hm.split(":")[0]) for symbol in named_groups(squeezed)), squeezed


@pytest.mark.parametrize("spelled", ["P63-mmc", "F m -3 q", "Fm-3m1", "F m -3 m (No. 216)"])
def test_what_is_in_no_table_is_not_guessed(spelled):
    assert named_groups(spelled) == ()


def test_the_nearest_symbol_is_that_of_a_misprint():
    assert nearest_symbol("P63-mmc") == "P 63/m m c"
    assert nearest_symbol("Fm-3q") == "F m -3"
    assert nearest_symbol("xyz") == ""
