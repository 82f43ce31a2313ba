import json
import subprocess
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.inventory import AnsibleSource, InventoryError, gather
from scanner.inventory.ansible_groups import Inventory
from scanner.inventory.ansible_ini import read_ini
from scanner.inventory.ansible_ranges import expand

INI = """\
# a comment
; another
mail.example.com
[web]
web[01:03].example.com ansible_port=2222 http_port=80  # trailing
alias ansible_host=10.0.0.9 ansible_user='deploy user'
badwolf.example.com:5309
[::1]:2022
[db]
db-[a:c] ansible_host=10.1.0.1
[web:vars]
ansible_user=web
level = 3
[fleet:children]
web
db
[fleet:vars]
ansible_user=fleet
ansible_ssh_common_args='-o ProxyJump=bastion.example'
[all:vars]
ansible_user=everybody
"""


@pytest.fixture
def read(tmp_path):
    def run(content, name="hosts", mode=0o644, **options):
        path = tmp_path / name
        path.write_text(content)
        path.chmod(mode)
        return {record.name: record for record in AnsibleSource(path, **options).read()}

    return run


def test_the_ini_form_is_read_as_ansible_reads_it(read):
    hosts = read(INI.replace("'deploy user'", "deploy"))
    assert list(hosts) == [
        "mail.example.com", "web01.example.com", "web02.example.com", "web03.example.com", "alias",
        "badwolf.example.com", "::1", "db-a", "db-b", "db-c",
    ]  # fmt: skip
    assert (hosts["web02.example.com"].port, hosts["web02.example.com"].user) == (2222, "web")
    assert (hosts["alias"].address, hosts["alias"].user) == ("10.0.0.9", "deploy")
    assert hosts["badwolf.example.com"].port == 5309
    assert hosts["::1"].port == 2022
    assert (hosts["db-a"].user, hosts["db-a"].jump) == ("fleet", "bastion.example")
    assert (hosts["mail.example.com"].user, hosts["mail.example.com"].jump) == ("everybody", "")
    assert hosts["alias"].labels == {"group_fleet": "true", "group_web": "true"}


YAML = """\
all:
  vars: {ansible_user: everybody}
  hosts:
    mail.example.com:
  children:
    web:
      hosts:
        web[1:2]: {ansible_host: "{{ inventory_hostname }}.example.com", secret: !vault "x"}
      vars: {ansible_port: 2222}
    local:
      hosts:
        localhost: {ansible_connection: local}
"""


def test_the_yaml_form_is_read_as_ansible_reads_it(read):
    hosts = read(YAML, "hosts.yml")
    assert set(hosts) == {"mail.example.com", "web1", "web2", "localhost"}
    assert (hosts["web1"].address, hosts["web1"].port, hosts["web1"].user) == ("web1.example.com", 2222, "everybody")
    assert hosts["localhost"].local


def test_yaml_without_an_ending_is_known_by_its_form(read):
    assert set(read(YAML)) == {"mail.example.com", "web1", "web2", "localhost"}


def test_only_the_hosts_of_a_group_are_taken(read):
    assert set(read(INI.replace("'deploy user'", "deploy"), group="db")) == {"db-a", "db-b", "db-c"}
    with pytest.raises(InventoryError, match="has no group cache"):
        read("a\n", group="cache")


def test_variables_beside_the_inventory_are_read(read, tmp_path):
    (tmp_path / "group_vars" / "web").mkdir(parents=True)
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text("ansible_user: everybody\n")
    (tmp_path / "group_vars" / "web" / "main.yml").write_text("ansible_port: 2200\n")
    (tmp_path / "group_vars" / "web" / "vault.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    (tmp_path / "host_vars" / "a.json").write_text('{"archscan_planned": ["x:1", {"image": "y", "workload": "w"}]}')
    (tmp_path / "host_vars" / "b").write_text("archscan_labels: {zone: eu}\n")
    hosts = read("[web]\na\nb\n")
    assert (hosts["a"].user, hosts["a"].port) == ("everybody", 2200)
    assert [(planned.image, planned.workload) for planned in hosts["a"].planned] == [("x:1", ""), ("y", "w")]
    assert hosts["b"].labels == {"group_web": "true", "zone": "eu"}


def test_a_folder_is_read_whole_but_for_what_ansible_ignores(tmp_path):
    (tmp_path / "01-web").write_text("[web]\na\n")
    (tmp_path / "02-db.yml").write_text("db: {hosts: {b: }}\n")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "more").write_text("[web]\nc\n")
    for ignored in ("x.ini", "x.bak", ".hidden", "x~"):
        (tmp_path / ignored).write_text("never\n")
    assert [record.name for record in AnsibleSource(tmp_path).read()] == ["a", "b", "c"]


SCRIPT = """#!/bin/sh
case "$1" in
--list) echo '{"web": {"hosts": ["a"], "vars": {"ansible_user": "w"}}, "db": ["b"], "up": {"children": ["web"]}%s}';;
--host) echo '{"ansible_port": 2222}';;
esac
"""


def test_a_script_is_asked(read):
    meta = ', "_meta": {"hostvars": {"a": {"ansible_host": "10.0.0.1"}}}'
    hosts = read(SCRIPT % meta, mode=0o755)
    assert (hosts["a"].address, hosts["a"].user, hosts["a"].port) == ("10.0.0.1", "w", None)
    assert hosts["a"].labels == {"group_up": "true", "group_web": "true"}
    assert {record.port for record in read(SCRIPT % "", mode=0o755).values()} == {2222}


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("#!/bin/sh\necho oops >&2; exit 3\n", "{path} --list: ended with exit status 3: oops"),
        ("#!/bin/sh\necho '['\n", "{path} --list:2: is not JSON: Expecting value"),
        ("#!/bin/sh\necho '[]'\n", "{path} --list: must print a mapping of groups"),
        ("#!/nowhere\n", "{path} --list: cannot be run: No such file or directory"),
        ('#!/bin/sh\necho \'{"web": {"hosts": 1}}\'\n', "{path} --list: group web: hosts must be a list of names"),
    ],
)
def test_a_bad_script_is_told(read, tmp_path, script, message):
    with pytest.raises(InventoryError) as caught:
        read(script, mode=0o755)
    assert str(caught.value) == message.format(path=tmp_path / "hosts")


def test_a_script_has_a_time_limit_and_never_sees_our_secrets(read, monkeypatch):
    began = time.monotonic()
    with pytest.raises(InventoryError, match=r"took longer than 0\.2 s"):
        read("#!/bin/sh\nexec sleep 20\n", mode=0o755, timeout_s=0.2)
    assert time.monotonic() - began < 5
    monkeypatch.setenv("ARCHSCAN_STORE__URL", "hunter2")
    hosts = read('#!/bin/sh\necho \'{"g": ["n\'"${ARCHSCAN_STORE__URL:-one}"\'"]}\'\n', mode=0o755)
    assert list(hosts) == ["none"]


BAD = [
    ("[web:colour]\na\n", "{path}:1: section [web:colour] is neither :children nor :vars"),
    ("a b\n", "{path}:1: 'b' is not name=value"),
    ('a b="c\n', "{path}:1: 'a b=\"c' cannot be split: No closing quotation"),
    ("[web:vars]\nnothing\n", "{path}:2: 'nothing' is not name = value"),
    ("web[3:1]\n", "{path}:1: range 'web[3:1]' ends before it starts"),
    ("web[0:999999999]\n", "{path}:1: range 'web[0:999999999]' has more than 100000 names"),
    ("a ansible_host={{x}}\n", "{path}:1: host a: ansible_host is a template, which only Ansible can evaluate: '{{{{x}}}}'"),
    ("a ansible_port=ssh\n", "{path}:1: host a: ansible_port 'ssh' is not a number"),
    (
        "a ansible_ssh_common_args='-o ProxyCommand=\"nc %h %p\"'\n",
        "{path}:1: host a: ProxyCommand is not supported: use ProxyJump, or jump in the settings",
    ),
    ("[a:children]\nb\n[b:children]\na\n[b]\nx\n", "groups contain each other, or are nested deeper than 100"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "message"), BAD)
def test_a_bad_line_is_told_with_its_place(read, tmp_path, content, message):
    with pytest.raises(InventoryError) as caught:
        read(content)
    assert str(caught.value) == message.format(path=tmp_path / "hosts")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- a\n", "must be a mapping of groups"),
        ("web: {host: {a: }}\n", "group web: 'host' is none of hosts, children, vars"),
        ("web: {hosts: [a]}\n", "group web: hosts must be a mapping"),
        ("web: {hosts: {a: }\n", "is not YAML"),
        ("a: &a\n  children: {b: *a}\n", "has an alias within what it stands for"),
        ("a: " + "{b: " * 100 + "}" * 100, "nested deeper than 60 levels"),
    ],
)
def test_a_bad_tree_is_told(read, content, message):
    with pytest.raises(InventoryError, match=message):
        read(content, "hosts.yml")


def test_a_host_outside_the_grammar_is_refused(tmp_path):
    (tmp_path / "hosts").write_text("a ansible_host=-oProxyCommand=id\n")
    with pytest.raises(InventoryError, match="hosts:1: host a: address '-oProxyCommand=id' is neither"):
        gather([AnsibleSource(tmp_path / "hosts")])


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("web", ["web"]),
        ("web[1:3]", ["web1", "web2", "web3"]),
        ("web[08:10].x", ["web08.x", "web09.x", "web10.x"]),
        ("[a:c]", ["a", "b", "c"]),
        ("w[1:5:2]", ["w1", "w3", "w5"]),
        ("[a:b][1:2]", ["a1", "a2", "b1", "b2"]),
        ("w[1]", ["w[1]"]),
    ],
)
def test_ranges_hold_both_ends(pattern, names):
    assert expand(pattern) == names


@given(st.text("ab[]:=# \n01'\"{}", max_size=120))
def test_any_text_is_an_inventory_or_a_refusal(text):
    inventory = Inventory()
    try:
        read_ini(inventory, text, "f")
    except InventoryError:
        return
    assert set(inventory.variables()) == set(inventory.hosts)


def test_it_says_what_ansible_itself_says(read, tmp_path, require):
    tool = require("ansible-inventory", "ansible-core")
    hosts = read(INI.replace("'deploy user'", "deploy"))
    done = subprocess.run([tool, "-i", tmp_path / "hosts", "--list"], capture_output=True, check=True)
    said = json.loads(done.stdout)["_meta"]["hostvars"]
    assert {name: variables.get("ansible_user") for name, variables in said.items()} == {
        name: record.user for name, record in hosts.items()
    }
