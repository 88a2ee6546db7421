"""Where runs are catalogued, and with what key."""

import os

import pytest

from lics_beamline.catalog.place import KEYS_VARIABLE, catalog_place, key_path, read_key, set_catalog_place, write_key
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import ProfileError


def test_a_place_is_kept_in_the_data_folder_until_it_is_moved_back(tmp_path):
    data = DataFolder(tmp_path)
    assert catalog_place(data).is_embedded
    set_catalog_place(data, "https://catalog.example")
    assert (catalog_place(data).is_server, catalog_place(data).is_embedded) == (True, False)
    set_catalog_place(data, "postgresql:///runs?host=/run/postgresql")
    assert (catalog_place(data).is_server, catalog_place(data).is_embedded) == (False, False)
    set_catalog_place(data, "")
    assert catalog_place(data).is_embedded


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("postgresql://ada:secret@db/runs", "~/.pgpass"),
        ("postgresql://db/runs?password=secret", "~/.pgpass"),
        ("https://ada:secret@catalog.example", "the key of a server in a file"),
        ("https://catalog.example?api_key=secret", "the key of a server in a file"),
        ("postgresql://db", "names no database"),
        ("mysql://db/runs", "no place"),
        ("catalog.example", "no place"),
    ],
)
def test_what_is_no_place_or_holds_a_secret_is_refused_without_repeating_the_secret(tmp_path, uri, says):
    with pytest.raises(ProfileError, match=says) as refusal:
        set_catalog_place(DataFolder(tmp_path), uri)
    assert "secret" not in str(refusal.value)
    assert catalog_place(DataFolder(tmp_path)).is_embedded


def test_a_key_that_others_can_read_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(KEYS_VARIABLE, str(tmp_path / "keys"))
    uri = "https://catalog.example"
    assert read_key(uri) is None
    assert key_path(uri).name == "catalog.example-443.key"
    write_key(key_path(uri), "aa")
    assert read_key(uri) == "aa"
    key_path(uri).chmod(0o640)
    with pytest.raises(ProfileError, match="chmod 600"):
        read_key(uri)


@pytest.mark.parametrize("there", ["a letter", "a folder", "a pipe", "a link"])
def test_a_key_takes_the_place_of_an_older_key_and_of_nothing_else(tmp_path, there):
    path = tmp_path / "key"
    write_key(path, "aa")
    write_key(path, "bb")
    assert path.read_text() == "bb\n"
    path.unlink()
    match there:
        case "a letter":
            path.write_text("Dear Sirs")
        case "a folder":
            path.mkdir()
        case "a pipe":
            os.mkfifo(path)
        case "a link":
            path.symlink_to("elsewhere")
    before = path.lstat()
    with pytest.raises(ProfileError, match=r"holds no key: it is left as it is"):
        write_key(path, "cc")
    assert (path.lstat().st_mode, path.lstat().st_ino) == (before.st_mode, before.st_ino)
