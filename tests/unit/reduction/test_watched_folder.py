from lics_beamline.reduction.watched_folder import WatchedFolder


def test_a_file_is_told_when_it_has_not_changed_between_two_looks(tmp_path):
    folder = WatchedFolder(tmp_path)
    path = tmp_path / "a.cbf"
    path.write_bytes(b"half")
    assert folder.look() == []
    path.write_bytes(b"half and half")
    assert folder.look() == []
    assert folder.look() == [path]
    folder.done(path)
    assert folder.look() == []


def test_a_file_that_is_written_anew_is_told_again(tmp_path):
    folder = WatchedFolder(tmp_path)
    path = tmp_path / "a.tif"
    path.write_bytes(b"first")
    folder.look()
    folder.done(path)
    path.write_bytes(b"second one")
    assert folder.look() == []
    assert folder.look() == [path]


def test_a_file_that_cannot_be_read_is_tried_so_often_and_then_given_up_until_it_changes(tmp_path):
    folder = WatchedFolder(tmp_path, most_tries=3)
    path = tmp_path / "a_master.h5"
    path.write_bytes(b"no data file yet")
    folder.look()
    given_up = []
    for _ in range(3):
        assert folder.look() == [path]
        given_up.append(folder.failed(path))
    assert given_up == [False, False, True]
    assert folder.look() == []
    path.write_bytes(b"mended")
    folder.look()
    assert folder.look() == [path]


def test_what_is_no_image_is_left_alone_unless_it_is_named(tmp_path):
    for name in ("a.edf", "b.cbf.gz", "notes.txt", ".hidden.tif", "geometry.poni", "empty.tif", "run_data_000001.h5"):
        (tmp_path / name).write_bytes(b"" if name.startswith("empty") else b"x")
    (tmp_path / "folder.tif").mkdir()
    for pattern, names in (("", ["a.edf", "b.cbf.gz"]), ("*.txt", ["notes.txt"])):
        folder = WatchedFolder(tmp_path, pattern)
        folder.look()
        assert [path.name for path in folder.look()] == names
