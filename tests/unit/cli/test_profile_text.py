"""Setting keys of a profile's file: nothing else of it changes."""

import tomllib

from lics_beamline.cli.profile_text import with_keys
from lics_beamline.profile import shipped

TEXT = """# about
name = "a"   # said

[gas]
limits = [0, 1]

[last]
kind = "wall"
"""


def test_keys_are_set_where_they_stand_or_at_the_end_of_their_table_and_comments_stay():
    made = with_keys(
        TEXT, {("", "name"): 'b"', ("gas", "limits"): [0.0, 2.5], ("gas", "absent"): ["X"], ("", "new"): 1}
    )
    assert tomllib.loads(made) == {
        "name": 'b"',
        "new": 1,
        "gas": {"limits": [0.0, 2.5], "absent": ["X"]},
        "last": {"kind": "wall"},
    }
    assert made.startswith("# about\n")


def test_no_key_set_changes_nothing():
    text = (shipped() / "bl10xu" / "profile.toml").read_text(encoding="utf-8")
    assert with_keys(text, {}) == text
