"""Names from documents that become parts of paths, and those that must not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_beamline.errors import LicsError, UnsafeName
from lics_beamline.journal.safe_name import check_start, inside, safe_name

LEADING_OUT = (
    "/etc",
    "..",
    "../raw",
    "a/b",
    "a\\b",
    "",
    ".",
    ".hidden",
    "a\nb",
    "a\0b",
    "\x1b[2J",
    "x" * 300,
    "\ud800",
    " a",
    "a ",
    None,
    7,
    b"abc",
    ["abc"],
)


@pytest.mark.parametrize("name", LEADING_OUT, ids=[repr(name)[:12] for name in LEADING_OUT])
def test_a_name_that_may_lead_out_is_refused_with_what_it_is_and_where_it_stood(name):
    with pytest.raises(UnsafeName, match=r"start document of sweep\.jsonl: uid .* look where this document") as caught:
        check_start({"uid": name}, where="sweep.jsonl")
    assert isinstance(caught.value, (LicsError, ValueError))
    assert caught.value.facts["name"] == name
    assert "\n" not in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("key", ["raw_uid", "sweep_uid", "supersedes", "recipe_digest", "plate_folder"])
def test_every_name_of_a_start_document_that_becomes_a_path_is_judged(key):
    with pytest.raises(UnsafeName, match=key):
        check_start({"uid": "abc", key: "../../home"}, where="sweep.jsonl")


def test_a_start_document_without_uid_is_refused():
    with pytest.raises(UnsafeName, match="uid None"):
        check_start({"time": 1.0}, where="sweep.jsonl")


@pytest.mark.parametrize(
    "name",
    [
        "0f3c1e5a-52cb-4b64-9a52-3f1f0a9c2d11",
        "7b1f6d3e9c9a4f0c8d5e2a1b0c3d4e5f",
        "8d3a1f",
        "det_8d3a1f",
        "5f0c9e4c3d5e7a0001b2c3d4",
        "run-7 of 2015",
        "Blei-Überzug",
    ],
)
def test_uids_that_are_in_use_pass_unchanged(name):
    """Of bluesky and ophyd.sim, old and new; of MongoDB; of people."""
    assert safe_name(name, what="uid", where="a journal") == name


@given(name=st.text(max_size=250))
def test_whatever_passes_is_one_part_of_a_path_below_its_folder(name, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp()
    try:
        safe_name(name, what="uid", where="a journal")
    except UnsafeName:
        return
    path = (folder / name).resolve()
    assert path.parent == folder.resolve()
    assert not path.exists()
    path.touch()
    path.unlink()


def test_a_path_below_its_folder_is_given_back_in_full(tmp_path):
    assert inside(tmp_path, "plates/ab/000001.osc", what="plate") == tmp_path / "plates" / "ab" / "000001.osc"
    assert inside(tmp_path, tmp_path / "plates", what="plate folder") == tmp_path / "plates"
    assert inside(tmp_path, "plates/../plates", what="plate folder") == tmp_path / "plates"


@pytest.mark.parametrize("path", ["../outside.osc", "/etc/passwd", "plates/../../outside", "link/x.osc", "a\0b"])
def test_a_path_that_leads_out_of_its_folder_is_refused(tmp_path, path):
    root = tmp_path / "data"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(UnsafeName, match="plate "):
        inside(root, path, what="plate")


def test_the_folder_of_plates_may_be_a_link_to_a_bigger_disk_and_nothing_in_it_may_lead_out(tmp_path):
    root, disk = tmp_path / "data", tmp_path / "disk" / "big"
    disk.mkdir(parents=True)
    root.mkdir()
    (root / "plates").symlink_to(disk)
    (disk / "out").symlink_to(tmp_path)
    assert inside(root, "plates/ab/000001.osc", what="plate") == root / "plates" / "ab" / "000001.osc"
    assert inside(root, root / "plates" / "ab", what="plate folder") == root / "plates" / "ab"
    for path in ("plates/out/x.osc", "plates/../x.osc", "plates/ab/../../../x.osc", disk / "ab" / "000001.osc"):
        with pytest.raises(UnsafeName, match="leads out of"):
            inside(root, path, what="plate")
