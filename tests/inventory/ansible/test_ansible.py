import contextlib
import os
import re
import select
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.inventory import AnsibleSource, InventoryError, gather
from scanner.inventory.ansible.groups import Groups
from scanner.inventory.ansible.ini_form import read_ini
from scanner.inventory.ansible.ranges import expand, hosts_of
from tests import counted

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
db-[a:c]
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
        return {record.name: record for record in AnsibleSource(path, **options).read().records}

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
        web[1:2]: {ansible_host: "{{ inventory_hostname }}.example.com", secret: !vault "x", ansible_become_password: !vault "y"}
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
    (tmp_path / "03-more.ini").write_text("[db]\nd\n")
    (tmp_path / "ec2.ini").write_text("[ec2]\nregions = all\n")
    for ignored in ("x.cfg", "x.bak", ".hidden", "x~"):
        (tmp_path / ignored).write_text("never\n")
    assert [record.name for record in AnsibleSource(tmp_path).read().records] == ["a", "b", "d", "c"]


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
        read("#!/bin/sh\nexec sleep 600\n", mode=0o755, timeout_s=0.2)
    assert time.monotonic() - began < 60
    monkeypatch.setenv("ARCHSCAN_STORE__URL", "hunter2")
    hosts = read('#!/bin/sh\necho \'{"g": ["n\'"${ARCHSCAN_STORE__URL:-one}"\'"]}\'\n', mode=0o755)
    assert list(hosts) == ["none"]


@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "told"),
    [
        (0o775, 0o755, "its group may write to it: chmod go-w {path}"),
        (0o757, 0o755, "everybody may write to it: chmod go-w {path}"),
        (0o755, 0o777, "everybody may write to its folder {folder}: chmod go-w {folder}"),
        (0o755, 0o1777, "everybody may write to its folder {folder}: chmod go-w {folder}"),
        (0o755, 0o775, "its group may write to its folder {folder}: chmod go-w {folder}"),
    ],
)
def test_n12_a_script_that_others_could_have_written_is_not_run(tmp_path, file_mode, folder_mode, told):
    folder = tmp_path / "inventory"
    folder.mkdir()
    path = folder / "hosts"
    path.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    path.chmod(file_mode)
    folder.chmod(folder_mode)
    with pytest.raises(InventoryError) as caught:
        AnsibleSource(path).read()
    assert str(caught.value) == f"{path}: is not run: {told.format(path=path, folder=folder)}"
    assert not (tmp_path / "ran").exists()


def test_n12_a_link_is_no_way_around_the_folder_of_the_script(tmp_path):
    (tmp_path / "open").mkdir()
    target = tmp_path / "open" / "script"
    target.write_text("#!/bin/sh\necho '{}'\n")
    target.chmod(0o755)
    (tmp_path / "hosts").symlink_to(target)
    assert AnsibleSource(tmp_path / "hosts").read().records == ()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(InventoryError, match=r"everybody may write to its folder .*/open"):
        AnsibleSource(tmp_path / "hosts").read()


def test_n12_a_folder_above_that_others_may_change_is_refused(tmp_path):
    (tmp_path / "above" / "inner").mkdir(parents=True)
    path = tmp_path / "above" / "inner" / "hosts"
    path.write_text("#!/bin/sh\necho '{}'\n")
    path.chmod(0o755)
    (tmp_path / "above").chmod(0o777)
    with pytest.raises(InventoryError, match=r"everybody may write to the folder .*/above above it"):
        AnsibleSource(path).read()


def test_n12_the_children_of_a_script_end_with_it(read, tmp_path):
    script = f"#!/bin/sh\nsleep 600 & echo $! >{tmp_path}/child\n"
    with pytest.raises(InventoryError, match=r"took longer than 0\.5 s"):
        read(f"{script}sleep 600\n", mode=0o755, timeout_s=0.5)
    began = time.monotonic()
    assert not read(f"{script}echo '{{}}'\n", mode=0o755)
    assert time.monotonic() - began < 60
    child = int((tmp_path / "child").read_text())
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(child)
        assert select.select([descriptor], [], [], 10)[0]  # it has ended
        os.close(descriptor)


def test_n12_endless_output_is_ended(read):
    with pytest.raises(InventoryError, match="printed more than 16777216 bytes"):
        read("#!/bin/sh\nexec yes\n", mode=0o755)


def test_the_time_of_a_script_is_for_all_its_answers(read):
    hosts = ",".join(f'"h{number}"' for number in range(40))
    script = f"#!/bin/sh\n[ $1 = --list ] && echo '{{\"g\": [{hosts}]}}' && exit\nsleep 0.2; echo '{{}}'\n"
    with pytest.raises(InventoryError, match=r"--host h\d+: took longer than 3 s"):
        read(script, mode=0o755, timeout_s=3)


def test_a_host_of_a_script_with_odd_variables_costs_itself(read, tmp_path):
    answer = '{"g": ["a", "b"], "_meta": {"hostvars": {"a": [], "b": {"ansible_host": "{{ x }}"}}}, "alone": {"ansible_user": "u"}}'
    hosts = read(f"#!/bin/sh\necho '{answer}'\n", mode=0o755)
    place = f"{tmp_path}/hosts --list"
    template = "ansible_host is a template, which only Ansible can evaluate: '{{ x }}'"
    assert {name: (host.user, host.problem) for name, host in hosts.items()} == {
        "a": ("", f"{place}: host a: its variables must be a mapping"),
        "b": ("", f"{place}: host b: {template}"),
        "alone": ("u", ""),
    }


@pytest.fixture
def ansible_itself(tmp_path, require, monkeypatch):
    require("ansible-inventory", "ansible-core")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")


def test_ansible_itself_reads_what_only_it_can(read, tmp_path, ansible_itself):
    (tmp_path / "password").write_text("hunter2\n")
    content = (
        "plugin: ansible.builtin.constructed\nstrict: true\ncompose: {ansible_host: inventory_hostname ~ '.example'}\n"
    )
    folder = tmp_path / "inventory"
    (folder / "group_vars").mkdir(parents=True)
    (folder / "01-hosts").write_text("[web]\na\nb ansible_connection=winrm\n")
    (folder / "02-constructed.yml").write_text(content)
    (folder / "group_vars" / "web.yml").write_text("ansible_user: w\nansible_port: 2222\n")
    with pytest.raises(InventoryError, match="via: ansible-inventory"):
        AnsibleSource(folder).read()
    source = AnsibleSource(folder, via="ansible-inventory", vault_password_file=tmp_path / "password", home="/h")
    a, b = source.read().records
    assert (a.name, a.address, a.user, a.port, a.labels) == ("a", "a.example", "w", 2222, {"group_web": "true"})
    assert b.skipped == "its connection is winrm"


def test_ansible_does_not_run_what_others_could_have_written(tmp_path, ansible_itself):
    (tmp_path / "inventory").mkdir()
    path = tmp_path / "inventory" / "x_constructed.yml"
    path.write_text("plugin: ansible.builtin.constructed\n")
    path.chmod(0o664)
    with pytest.raises(InventoryError, match="is not run: its group may write to it"):
        AnsibleSource(tmp_path / "inventory", via="ansible-inventory").read()


def test_an_ansible_that_is_not_there_is_told(read, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InventoryError, match="--list: cannot be run: No such file or directory"):
        read("a\n", via="ansible-inventory")


ODD = [
    ("a b\n", "{path}:1: host a: 'b' is not name=value"),
    ('a b="c\n', "{path}:1: host a: 'a b=\"c' cannot be split: No closing quotation"),
    ("a: x\n", "{path}:1: host a:: 'x' is not name=value"),
    ("[web]\na\n[web:vars]\nnothing\n", "{path}:4: 'nothing' is not name = value (host a)"),
    ("web[3:1]\n", "{path}:1: host web[3:1]: range 'web[3:1]' ends before it starts"),
    ("web[1]\n", "{path}:1: host web[1]: range 'web[1]' must read [begin:end] or [begin:end:step]"),
    ("web[0:999999999]\n", "{path}:1: host web[0:999999999]: range 'web[0:999999999]' has more than 100000 names"),
    ("a ansible_host={{x}}\n", "{path}:1: ansible_host is a template, which only Ansible can evaluate: '{{{{x}}}}' (host a)"),
    ("[g]\na\n[g:vars]\nansible_user={{x}}\n", "{path}:4: ansible_user is a template, which only Ansible can evaluate: '{{{{x}}}}' (host a)"),
    ("a ansible_connection={{x}}\n", "{path}:1: ansible_connection is a template, which only Ansible can evaluate: '{{{{x}}}}' (host a)"),
    ("a ansible_port=none\n", "{path}:1: port 'none' is not a number between 1 and 65535 (host a)"),
    ("a ansible_host=[1]\n", "{path}:1: ansible_host must be text or a number (host a)"),
    ("a ansible_port=\n", "{path}:1: ansible_port is empty, which Ansible refuses (host a)"),
    ("a ansible_port=22 ansible_ssh_port=''\n", "{path}:1: ansible_port is empty, which Ansible refuses (host a)"),
    ("[g]\na\n[g:vars]\nansible_port=\n", "{path}:4: ansible_port is empty, which Ansible refuses (host a)"),
    ("a ansible_host=\n", "{path}:1: ansible_host is empty, which is no host to Ansible (host a)"),
    ("a ansible_ssh_executable=/opt/assh\n", "{path}:1: it is reached by /opt/assh instead of ssh (host a)"),
    ("a ansible_ssh_common_args='-F /x/config'\n", "{path}:1: ansible_ssh_common_args names a configuration of ssh, which is not read (host a)"),
    ("a ansible_ssh_common_args='-o'\n", "{path}:1: the option -o of ssh lacks its value (host a)"),
    ("a ansible_ssh_common_args='-J a -J b'\n", "{path}:1: ssh takes no -J beside another ProxyJump or ProxyCommand (host a)"),
    ("a ansible_ssh_common_args='-J r' ansible_ssh_extra_args='-J q'\n", "{path}:1: ssh takes no -J beside another ProxyJump or ProxyCommand (host a)"),
    ("a ansible_ssh_args='-o ProxyCommand=\"ssh -W %h:%p r\"' ansible_ssh_extra_args='-J q'\n", "{path}:1: ssh takes no -J beside another ProxyJump or ProxyCommand (host a)"),
    (
        "a ansible_ssh_common_args='-o ProxyCommand=\"nc %h %p\"'\n",
        "{path}:1: its ProxyCommand is not run, since it is more than ssh through a bastion: use ProxyJump, or jump in the settings (host a)",
    ),
    ("a archscan_labels='{{\"x-y\": 1}}'\n", "{path}:1: label 'x-y' must match [a-zA-Z_][a-zA-Z0-9_]* (host a)"),
    ("a archscan_planned=x\n", "{path}:1: archscan_planned must be a list (host a)"),
]  # fmt: skip


def test_a_short_range_behind_a_long_name_is_counted_before_it_is_written_out():
    assert len(expand("a" * 1000 + "[1:9999]")) == 9999
    with pytest.raises(ValueError, match=r"^range 'a{80}'\.\.\. has names of more than 16777216 characters together$"):
        expand("a" * 5000 + "[1:9999]")


@pytest.mark.parametrize(("content", "problem"), ODD)
def test_what_cannot_be_understood_costs_that_host(read, tmp_path, content, problem):
    content = content.replace('{{"x-y": 1}}', '{"x-y": 1}')
    hosts = read(f"sound ansible_host=10.0.0.9\n{content}")
    place = problem.replace("{path}:1", "{path}:2").replace("{path}:4", "{path}:5")
    odd = [record.problem for record in hosts.values() if record.problem]
    assert odd == [place.format(path=tmp_path / "hosts")]
    assert hosts["sound"].address == "10.0.0.9"


BAD = [
    ("[web:colour]\na\n", "{path}:1: section [web:colour] is neither :children nor :vars"),
    ("[web servers]\na\n", "{path}:1: '[web servers]' is no section"),
    ("[web:children]\na b\n", "{path}:2: 'a b' is not the name of a group"),
    ("[c:children]\na\n[a:children]\nb\n[b:children]\na\n[b]\nx\n", "{path}:4: group a contains b, which contains it"),
    ("[a:children]\na\n", "{path}:2: group a contains itself"),
    ("a: {children: {b: {children: {\n  a: {}}}}}\n", "{path}:1: group a contains b, which contains it"),
    (
        "[z:children]\ng90\n" + "".join(f"[g{n}:children]\ng{n + 1}\n" for n in range(102, -1, -1)),
        "{path}:208: group g0 contains g1, within which groups are nested deeper than 100",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("content", "message"), BAD)
def test_a_line_that_leaves_open_who_is_meant_refuses_the_file(read, tmp_path, content, message):
    with pytest.raises(InventoryError) as caught:
        read(content)
    assert str(caught.value) == message.format(path=tmp_path / "hosts")


ODD_TREES = [
    ("web:\n  hosts:\n    a: [1]\n", "{path}:3: host a: its variables must be a mapping"),
    ("web:\n  hosts:\n    1: {}\n", "{path}:3: host 1: its name must be text: write it in quotes"),
    ("web:\n  hosts:\n    a:\n      ansible_host: '{{ lookup(1) }}'\n", "{path}:4: ansible_host is a template, which only Ansible can evaluate: '{{ lookup(1) }}' (host a)"),
    ("web:\n  hosts: {a: }\n  vars:\n    ansible_user: !vault x\n", "{path}:4: ansible_user is encrypted (!vault), which only Ansible can read: via: ansible-inventory asks it (host a)"),
    ("web:\n  hosts:\n    a: {ansible_host: {__ansible_vault: x}}\n", "{path}:3: ansible_host is encrypted (!vault), which only Ansible can read: via: ansible-inventory asks it (host a)"),
    ("web:\n  hosts: {a: {ansible_user: !env X}}\n", "{path}:2: ansible_user carries a tag that only Ansible can read: via: ansible-inventory asks it (host a)"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "problem"), ODD_TREES)
def test_what_cannot_be_understood_in_a_tree_costs_that_host(read, tmp_path, content, problem):
    hosts = read(f"{content}db:\n  hosts: {{sound: }}\n", "hosts.yml")
    odd = [record.problem for record in hosts.values() if record.problem]
    assert odd == [problem.replace("{path}", str(tmp_path / "hosts.yml"))]
    assert not hosts["sound"].problem


def test_of_json_the_line_is_where_the_name_stands(read, tmp_path):
    hosts = read('{"web":\n {"hosts":\n  {"a": {"ansible_host": "{{x}}"}}}}\n', "hosts.json")
    assert hosts["a"].problem.startswith(f"{tmp_path}/hosts.json:3: ansible_host is a template")


def test_a_file_of_variables_that_cannot_be_read_costs_its_group(read, tmp_path):
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "group_vars" / "web.yml").write_text("a: 1\nb: {\n")
    (tmp_path / "host_vars" / "d.yml").write_text("- 1\n")
    (tmp_path / "host_vars" / "e.yml").write_text("x: 1\n")
    (tmp_path / "host_vars" / "e.yml").chmod(0o666)
    hosts = read("[web]\na\nb\n[db]\nc\nd\ne\n")
    assert {name: record.problem for name, record in hosts.items()} == {
        "a": f"{tmp_path}/group_vars/web.yml:2: is not YAML: did not find expected node content (host a)",
        "b": f"{tmp_path}/group_vars/web.yml:2: is not YAML: did not find expected node content (host b)",
        "c": "",
        "d": f"{tmp_path}/host_vars/d.yml: must be a mapping of variables (host d)",
        "e": f"{tmp_path}/host_vars/e.yml: everybody may write to it: chmod o-w (host e)",
    }


SKIPPED = [
    ("ansible_connection=winrm", "its connection is winrm"),
    ("ansible_connection=psrp", "its connection is psrp"),
    ("ansible_connection=network_cli", "its connection is network_cli"),
    ("ansible_connection=ansible.netcommon.httpapi", "its connection is ansible.netcommon.httpapi"),
    ("ansible_connection=community.docker.docker", "its connection is community.docker.docker"),
    ("ansible_shell_type=powershell", "its shell is powershell"),
]


@pytest.mark.parametrize(("variable", "why"), SKIPPED)
def test_a_host_that_is_no_ssh_linux_by_its_own_inventory_is_skipped(read, variable, why):
    hosts = read(f"[win]\na ansible_host={{{{x}}}} ansible_port=5986\n[win:vars]\n{variable}\n")
    assert hosts["a"].skipped == why
    assert not hosts["a"].problem


@pytest.mark.parametrize("connection", ["ssh", "smart", "paramiko", "paramiko_ssh", "ansible.builtin.ssh"])
def test_every_name_of_the_ssh_connection_is_ssh(read, connection):
    host = read(f"a ansible_connection={connection}\n")["a"]
    assert (host.skipped, host.problem, host.local) == ("", "", False)


def test_local_hosts_are_this_machine_under_several_names(read):
    hosts = read("a ansible_connection=local\nb ansible_connection=ansible.builtin.local\nc\n")
    assert [(host.name, host.aliases, host.local) for host in hosts.values()] == [("a", ("b",), True), ("c", (), False)]


def test_two_names_of_one_login_are_one_host_with_an_alias(read):
    hosts = read(
        "[x]\na ansible_host=10.0.0.1\n[y]\nb ansible_host=10.0.0.1\nc ansible_host=10.0.0.1 ansible_port=23\n"
    )
    assert [(host.name, host.aliases) for host in hosts.values()] == [("a", ("b",)), ("c", ())]
    assert hosts["a"].labels == {"group_x": "true", "group_y": "true"}


def test_a_relative_key_starts_from_the_inventorys_folder(read, tmp_path):
    hosts = read("a ansible_ssh_private_key_file=keys/a ansible_ssh_common_args='-J b'\n")
    assert hosts["a"].identity_files == (f"{tmp_path}/keys/a",)


def test_the_key_that_a_command_names_is_the_bastions(read):
    args = "-o ProxyCommand='ssh -W %h:%p -i ~/gate -q me@gate'"
    host = read(f'a ansible_ssh_common_args="{args}"\n', home="/home/me")["a"]
    assert (host.jump, host.jump_identity_files, host.identity_files) == ("me@gate", ("/home/me/gate",), ())


def test_what_ansible_passes_over_with_a_warning_is_a_note(tmp_path):
    path = tmp_path / "hosts.yml"
    path.write_text("web:\n  host: {a: }\n  hosts: {b: }\nsize: 3\n")
    assert AnsibleSource(path).read().notes == (
        f"{path}:2: group 'web': 'host' is none of hosts, children, vars, and is passed over",
        f"{path}:4: 'size' is no group, and is passed over",
    )


VAULTED = "$ANSIBLE_VAULT;1.1;AES256\n6162\n"


def test_an_encrypted_file_of_variables_costs_the_hosts_of_its_group(tmp_path):
    path = tmp_path / "hosts"
    path.write_text("[web]\na\nb\n[web:vars]\nansible_user={{ who | default('x') }}\n[db]\nc\n")
    (tmp_path / "group_vars" / "web").mkdir(parents=True)
    (tmp_path / "group_vars" / "web" / "vault.yml").write_text(VAULTED)
    (tmp_path / "group_vars" / "web" / "main.yml").write_text("ansible_port: 2200\n")
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "b").write_text("ansible_user: b\n")
    file = tmp_path / "group_vars" / "web" / "vault.yml"
    told = f"{file}: is encrypted: via: ansible-inventory with vault_password_file reads it; encrypted_files: left_out says that "
    refused = AnsibleSource(path).read()
    assert {one.name: one.problem for one in refused.records} == {
        "a": f"{told}it tells nothing of where hosts are (host a)",
        "b": f"{told}it tells nothing of where hosts are (host b)",
        "c": "",
    }
    left_out = AnsibleSource(path, encrypted_files="left_out").read()
    assert left_out.notes == (f"{file}: is encrypted, and is left out",)
    problem = f"{path}:5: ansible_user is a template, which only Ansible can evaluate: \"{{{{ who | default('x') }}}}\" (host a)"
    assert [(one.port, one.problem) for one in left_out.records] == [(None, problem), (2200, ""), (None, "")]


def test_an_encrypted_inventory_names_nobody(tmp_path):
    (tmp_path / "hosts").write_text(VAULTED)
    with pytest.raises(
        InventoryError, match="hosts: is encrypted: via: ansible-inventory with vault_password_file reads it"
    ):
        AnsibleSource(tmp_path / "hosts").read()


def test_a_file_of_a_folder_that_is_no_inventory_is_passed_over_with_a_note(tmp_path):
    (tmp_path / "hosts").write_text("a\n")
    (tmp_path / "LICENSE").write_text("All rights\nare reserved by nobody\n")
    answer = AnsibleSource(tmp_path).read()
    assert [record.name for record in answer.records] == ["a"]
    assert answer.notes == (
        f"{tmp_path}/LICENSE:1: host All: 'rights' is not name=value; the file is no inventory, and is passed over",
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[web.hosts\n", "hosts.toml: is not TOML"),
        ("plugin = 'x'\n", "hosts.toml:1: configures the plugin 'x'"),
        ("[web]\nhosts = ['a']\n", "hosts.toml:1: group 'web': hosts must be a mapping"),
    ],
)
def test_toml_that_leaves_open_who_is_meant_is_refused(read, content, problem):
    with pytest.raises(InventoryError, match=re.escape(problem)):
        read(content, "hosts.toml")


def test_an_odd_host_of_toml_costs_itself_with_its_line(read, tmp_path):
    hosts = read('[web.hosts]\na = {}\nb = 5\n"c" = {ansible_port = 0}\n', "hosts.toml")
    assert {name: host.problem for name, host in hosts.items() if host.problem} == {
        "b": f"{tmp_path}/hosts.toml:3: host b: its variables must be a mapping",
        "c": f"{tmp_path}/hosts.toml:4: port '0' is not a number between 1 and 65535 (host c)",
    }


def test_the_configuration_of_a_plugin_is_left_to_ansible(read, tmp_path):
    with pytest.raises(InventoryError) as caught:
        read("# aws\nplugin: amazon.aws.aws_ec2\nregions: [x]\n", "aws_ec2.yml")
    told = "configures the plugin 'amazon.aws.aws_ec2', which only Ansible can run: via: ansible-inventory asks it"
    assert str(caught.value) == f"{tmp_path}/aws_ec2.yml:2: {told}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- a\n", "must be a mapping of groups"),
        ("web: {hosts: [a]}\n", "hosts.yml:1: group 'web': hosts must be a mapping"),
        ("web: {hosts: {a: }\n", "is not YAML"),
        ("a: &a\n  children: {b: *a}\n", "has an alias within what it stands for"),
        ("a: " + "{b: " * 100 + "}" * 100, "nested deeper than 60 levels"),
    ],
)
def test_a_bad_tree_is_told(read, content, message):
    with pytest.raises(InventoryError, match=message):
        read(content, "hosts.yml")


def test_a_host_outside_the_grammar_costs_itself(tmp_path):
    (tmp_path / "hosts").write_text("a ansible_host=-oProxyCommand=id\nb;id\nb_id\nc.example.com.\n")
    hosts = {host.name: (host.address, host.problem) for host in gather([AnsibleSource(tmp_path / "hosts")]).hosts}
    path = tmp_path / "hosts"
    assert hosts == {
        "a": ("", f"{path}:1: host a: address '-oProxyCommand=id' is neither a host name nor an IP address"),
        "b_id_2": ("", f"{path}:2: host name 'b;id' is not a name: use letters, digits, '.', '-', '_' or ':'"),
        "b_id": ("b_id", ""),
        "c.example.com.": ("c.example.com.", ""),
    }


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("web", ["web"]),
        ("web[1:3]", ["web1", "web2", "web3"]),
        ("web[08:10].x", ["web08.x", "web09.x", "web10.x"]),
        ("[a:c]", ["a", "b", "c"]),
        ("w[1:5:2]", ["w1", "w3", "w5"]),
        ("[a:b][1:2]", ["a1", "a2", "b1", "b2"]),
        ("[Y:b]", []),
        ("w[:2]", ["w0", "w1", "w2"]),
    ],
)
def test_ranges_hold_both_ends(pattern, names):
    if names:
        assert expand(pattern) == names
    else:
        with pytest.raises(ValueError, match="range"):
            expand(pattern)


@pytest.mark.parametrize(
    ("pattern", "names", "port"),
    [
        ("a:22", ["a"], 22),
        ("a[1:2]:22", ["a1", "a2"], 22),
        ("[::1]:22", ["::1"], 22),
        ("2001:db8::5", ["2001:db8::5"], None),
        ("fe80::[1:2]", ["fe80::1", "fe80::2"], None),
        ("a-:22", ["a-:22"], None),
        ("a.:22", ["a.:22"], None),
        ("a:b", ["a:b"], None),
    ],
)
def test_a_port_stands_behind_what_is_a_name(pattern, names, port):
    assert hosts_of(pattern) == (names, port)


def test_lines_that_name_hosts_without_end_are_refused_at_a_count():
    with pytest.raises(InventoryError, match="f:6: the lines up to here name hosts more than 500000 times"):
        read_ini(Groups(), "a[1:99999]\n" * 7, "f")
    groups = Groups()
    assert counted.calls(lambda: read_ini(groups, "a[1:99999] not-a-variable\n" * 7, "f")) < 10_000
    assert "not-a-variable" in groups.hosts["a[1:99999]"].problem


@given(st.text("ab[]:=# \n01'\"{}", max_size=120))
def test_any_text_is_an_inventory_or_a_refusal(text):
    groups = Groups()
    try:
        read_ini(groups, text, "f")
        memberships = groups.memberships()
    except InventoryError:
        return
    assert set(memberships) == set(groups.hosts)
