from scanner.settings import describe


def test_every_setting_has_a_type_and_a_sentence():
    rows = list(describe())
    assert len(rows) == len({row.path for row in rows})
    assert [row.path for row in rows if not row.type or not row.description.strip()] == []


def test_a_row_tells_type_unit_range_and_default():
    rows = {row.path: row for row in describe()}
    timeout = rows["ssh.connect_timeout"]
    assert (timeout.type, timeout.range, timeout.default) == ("duration", "100ms to 5m", "10s")
    assert rows["ssh.max_output"].default == "4MiB"
    assert rows["registries.<registry>.plain_http"].default == "false"
    assert rows["inventory[](static).hosts.<name>.address"].type == "text"
