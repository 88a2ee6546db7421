import gc

from lics_beamline.session.metadata import session_metadata


def test_what_a_session_says_of_its_runs_is_there_in_the_next_also_what_was_changed_inside_a_value(tmp_path):
    with session_metadata(tmp_path / "metadata") as said:
        said["scan_id"] = 7
        said["sample"] = {"name": "Li"}
        said["sample"]["name"] = "Cs"
    with session_metadata(tmp_path / "metadata") as said:
        assert dict(said) == {"scan_id": 7, "sample": {"name": "Cs"}}


def test_a_session_that_has_ended_writes_nothing_over_the_next(tmp_path):
    with session_metadata(tmp_path / "metadata") as first:
        first["scan_id"] = 1
    with session_metadata(tmp_path / "metadata") as second:
        second["scan_id"] = 2
    finalizer = first._finalizer
    del first
    gc.collect()
    assert not finalizer.alive
    with session_metadata(tmp_path / "metadata") as third:
        assert third["scan_id"] == 2


def test_what_cannot_be_read_is_kept_aside_and_begun_anew(tmp_path, caplog):
    folder = tmp_path / "metadata"
    with session_metadata(folder) as said:
        said["scan_id"] = 7
    (damaged,) = (path for path in folder.iterdir() if path.is_file())
    damaged.write_bytes(b"\xc1 is no msgpack")
    with session_metadata(folder) as said:
        assert dict(said) == {}
        said["scan_id"] = 1
    assert (tmp_path / "metadata.damaged-1" / damaged.name).read_bytes() == b"\xc1 is no msgpack"
    assert "kept as" in caplog.text


def test_scan_ids_that_are_no_numbers_are_begun_anew(tmp_path):
    with session_metadata(tmp_path / "metadata") as said:
        said["scan_id"] = "seven"
    with session_metadata(tmp_path / "metadata") as said:
        assert "scan_id" not in said
