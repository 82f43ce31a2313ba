"""A configuration that is a link to a file one may not show does not echo it."""

import pytest

from scanner.settings import SettingsError, load
from scanner.settings.yaml_source import VEILED

SHADOW = "root:$6$salt$hash:19000:0:99999:7:::\nkim:$6$pepper$mash:19000:0:99999:7:::\n"


def said(path):
    with pytest.raises(SettingsError) as caught:
        load(path, {})
    return str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        SHADOW,
        "s3cret: hunter2\n",
        "scan: {interval: hunter2}\n",
        "gate: {emulated: hunter2}\n",
        "inventory: [{kind: hunter2}]\n",
        "hunter2: 1\nhunter2: 2\n",
        "- hunter2\n- [\n",
        "&hunter2 a: 1\n",
        "inventory: []\nweb: {listen: 'hunter2'}\nhunter2: {}\n",
        b"\xffhunter2",
    ],
)
def test_of_a_link_to_a_closed_file_only_lines_are_told(tmp_path, content):
    target, link = tmp_path / "shadow", tmp_path / "archscan.yml"
    target.write_bytes(content if isinstance(content, bytes) else content.encode())
    target.chmod(0o640)
    link.symlink_to(target)
    told = said(link)
    assert VEILED in told
    for word in ("hunter2", "s3cret", "$6$", "pepper", "interval", "emulated"):
        assert word not in told


def test_a_file_that_everybody_may_read_or_that_is_no_link_is_told_as_ever(tmp_path):
    tmp_path.chmod(0o755)
    path = tmp_path / "archscan.yml"
    path.write_text("scna: {}\n")
    path.chmod(0o600)
    assert "did you mean scan?" in said(path)


def test_a_link_into_a_closed_folder_is_closed_too(tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir()
    (folder / "f").write_text("hunter2: 1\n")
    (folder / "f").chmod(0o644)
    folder.chmod(0o700)
    (tmp_path / "archscan.yml").symlink_to(folder / "f")
    assert "hunter2" not in said(tmp_path / "archscan.yml")
