"""Files are read within bounds, or not at all."""

import os
import socket
import stat

import pytest

from scanner.formats import files
from scanner.formats.files import FileError, read_bytes, read_secret, read_text

NAMES = {"fifo": "a named pipe", "folder": "a directory", "device": "a device"}


@pytest.fixture
def odd(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "device").symlink_to("/dev/zero")
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_regular_file_is_refused_by_name_without_waiting(odd, name):
    with pytest.raises(FileError, match=f"{name}: is not a regular file but {NAMES[name]}$"):
        read_bytes(odd / name, 10)
    with pytest.raises(FileError, match="is not a regular file"):
        files.first_bytes(odd / name, 4)


def test_what_cannot_be_looked_at_is_not_there(odd):
    """``Path``'s own questions raise for a name that is too long, and for what may not be seen."""
    (odd / "circle").symlink_to("circle")
    for path in (odd / ("x" * 300), odd / "circle", odd / "a\0b", odd / "fifo" / "x", odd / "nothing"):
        assert (files.is_folder(path), files.is_file(path), files.is_there(path)) == (False, False, False)
        assert not files.is_below(path, odd / "folder")
    assert files.real(odd / "circle") == odd / "circle"
    assert files.is_folder(odd / "folder")
    assert files.is_there(odd / "fifo")
    assert files.is_below(odd / "folder" / "x", odd / "folder")


def test_a_link_that_we_may_not_follow_leads_nowhere(tmp_path, monkeypatch):
    def refused(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("scanner.formats.files.os.path.realpath", refused)
    assert files.real(tmp_path) == tmp_path
    assert not files.is_below(tmp_path, tmp_path)


def test_a_socket_is_refused(tmp_path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        with pytest.raises(FileError, match="s: cannot be read: "):
            read_bytes(tmp_path / "s", 10)


def test_one_byte_more_than_the_limit_is_refused_and_the_limit_itself_is_not(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"x" * 10)
    assert read_bytes(path, 10) == b"x" * 10
    with pytest.raises(FileError, match=r"f: is longer than 9 bytes$"):
        read_bytes(path, 9)


def test_a_missing_file_is_told_from_one_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "none", tmp_path / "f" / "beneath"):
        (tmp_path / "f").write_text("")
        with pytest.raises(FileError) as caught:
            read_bytes(path, 10)
        assert caught.value.missing
    with pytest.raises(FileError) as caught:
        read_bytes(tmp_path, 10)
    assert not caught.value.missing


@pytest.mark.parametrize(
    ("mode", "forbidden", "problem"),
    [
        (0o666, files.WRITABLE_BY_ALL, "everybody may write to it: chmod o-w"),
        (0o664, files.WRITABLE_BY_ALL, ""),
        (0o664, files.WRITABLE_BY_OTHERS, "others may write to it (mode 0664): chmod go-rwx"),
        (0o640, files.OPEN_TO_OTHERS, "others may read it (mode 0640): chmod go-rwx"),
        (0o600, files.OPEN_TO_OTHERS, ""),
    ],
)
def test_a_file_that_is_too_open_is_refused_where_it_matters(tmp_path, mode, forbidden, problem):
    path = tmp_path / "f"
    path.write_text("x")
    path.chmod(mode)
    try:
        read_bytes(path, 10, forbidden=forbidden)
        found = ""
    except FileError as error:
        found = error.problem
    assert found == problem


def test_what_grows_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "f"
    path.write_text("x")
    real, seen = os.fstat, []

    def growing(descriptor):
        if seen:
            with path.open("a") as file:
                file.write("more")
        status = real(descriptor)
        seen.append(stat.S_ISREG(status.st_mode))
        return status

    monkeypatch.setattr("scanner.formats.files.os.fstat", growing)
    with pytest.raises(FileError, match="changed while it was read"):
        read_bytes(path, 100)


def test_a_link_is_not_followed_where_the_caller_says_so(tmp_path):
    (tmp_path / "f").write_text("x")
    (tmp_path / "link").symlink_to("f")
    assert read_bytes(tmp_path / "link", 10) == b"x"
    with pytest.raises(FileError, match="link: cannot be read"):
        read_bytes(tmp_path / "link", 10, follow=False)


def test_what_is_no_text_is_told_with_its_line(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"a\nb\n\xff")
    with pytest.raises(FileError, match=r"f:3: is not UTF-8$"):
        read_text(path, 10)
    path.write_bytes(b"\xef\xbb\xbfa")
    assert read_text(path, 10) == "a"


def test_a_secret_loses_its_line_s_end_only_and_is_not_empty(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b" s \r\n")
    path.chmod(0o600)
    assert read_secret(path) == " s "
    path.write_bytes(b"\n")
    with pytest.raises(FileError, match="is empty"):
        read_secret(path)
    path.write_bytes(b"x" * (files.MAX_SECRET_BYTES + 1))
    with pytest.raises(FileError, match="is longer than 65536 bytes"):
        read_secret(path)
