import os
from datetime import UTC, datetime

import pytest

from scanner.settings import Settings, SettingsError, load
from scanner.settings.waivers_section import Match

GOOD = """\
inventory:
  - kind: static
    defaults: {user: archscan, labels: {fleet: edge}}
    hosts:
      web-1: {address: 10.0.0.11, port: 22, labels: {team: web}, planned: ["registry.example:5000/shop/api:1.4"]}
      web-2:
        planned: [{image: "shop/api:1.4", workload: api, platform: linux/amd64}]
  - kind: local
    name: here
  - {kind: ansible, path: hosts.ini}
  - {kind: ssh_config, path: /etc/ssh/fleet}
  - {kind: file_sd, files: ["targets/*.json"]}
  - {kind: http_sd, url: "http://sd.example/targets", token_file: t}
ssh:
  identity_file: id_ed25519
  known_hosts_file: /etc/archscan/known_hosts
  jump: {edge-*: bastion.example}
  connect_timeout: 10s
  max_output: 8MiB
registries:
  only_listed: true
  "127.0.0.1:5000": {plain_http: true}
  docker.io: {username: bot, password_file: /run/secrets/hub}
  registry.example: {ca_file: corp.pem, mirror: ["mirror.example"], auth_hosts: [sso.example]}
scan: {interval: 5m, jitter: 30s, deadline: 4m, depth: binary}
store: {url: "sqlite:////var/lib/archscan/archscan.db", keep: 90d}
web:
  listen: "[::1]:9719"
  config_file: web.yml
  tokens: [{name: ci, token_sha256: "%s", scopes: [gate]}]
gate: {emulated: warn, degraded: warn, max_facts_age: 15m}
waivers: [{owner: kim, reason: replaced in May, until: 2027-05-31, match: {host: "edge-*"}}]
""" % ("ab" * 32)

SSH = "ssh: {identity_file: a, known_hosts_file: b}\n"
HOSTS = "inventory: [{kind: static, hosts: {a: {}}}]\n"


@pytest.fixture
def refuse(tmp_path):
    def run(content, environ=None, **options):
        path = tmp_path / "archscan.yml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(SettingsError) as caught:
            load(path, environ, **options)
        return str(caught.value).replace(f"{tmp_path}/", "")

    return run


@pytest.fixture
def accept(tmp_path):
    def run(content, environ=None, **options):
        path = tmp_path / "archscan.yml"
        path.write_text(content)
        return load(path, environ, **options)

    return run


def test_the_documented_file_is_read_whole(accept, tmp_path):
    settings = accept(GOOD)
    static = settings.inventory[0]
    assert static.hosts["web-1"].planned[0].image == "registry.example:5000/shop/api:1.4"
    assert static.hosts["web-2"].planned[0].platform == "linux/amd64"
    assert settings.inventory[2].path == tmp_path / "hosts.ini"
    assert settings.ssh.identity_file == tmp_path / "id_ed25519"
    assert settings.ssh.connect_timeout == 10.0
    assert settings.ssh.max_output == 8 << 20
    assert settings.registries.only_listed is True
    assert settings.registries.listed["docker.io"].username == "bot"
    assert settings.store.url.get_secret_value() == "sqlite:////var/lib/archscan/archscan.db"
    assert settings.web.listen_address == ("::1", 9719)
    assert settings.waivers[0].until == datetime(2027, 5, 31, 23, 59, 59, 999999, tzinfo=UTC)


def test_a_waiver_is_written_as_the_file_has_it_or_as_the_api_answers(accept):
    who = "owner: kim, reason: r, until: 2027-05-31"
    by_file = f"{{{who}, match: {{host: a, image: b, workload: c, reason: tag_gone}}}}"
    by_api = f"{{{who}, host: a, image: b, workload: c, finding_reason: tag_gone}}"
    both = f"{{{who}, match: {{image: b, reason: tag_gone}}, host: a, workload: c}}"
    made = {one.patterns for one in accept(f"{HOSTS}{SSH}waivers: [{by_file}, {by_api}, {both}]").waivers}
    assert made == {Match(host="a", image="b", workload="c", reason="tag_gone")}


def test_commands_that_name_no_host_need_no_file():
    assert load(None, need_hosts=False) == Settings.default()


BAD = [
    (HOSTS + "ssh: {conect_timeout: 5s}", "archscan.yml:2: ssh.conect_timeout: unknown key; did you mean connect_timeout?"),
    (HOSTS + SSH + "sacn: {}", "archscan.yml:3: sacn: unknown key; did you mean scan?"),
    (HOSTS + SSH + "zzz: 1", "archscan.yml:3: zzz: unknown key"),
    (
        SSH + "inventory:\n- kind: static\n  hosts:\n    a:\n      adress: b",
        "archscan.yml:6: inventory[0].hosts.a.adress: unknown key; did you mean address?",
    ),
    (
        SSH + "inventory:\n- kind: ansible\n  pth: b",
        "archscan.yml:3: inventory[0].path: is required\narchscan.yml:4: inventory[0].pth: unknown key; did you mean path?",
    ),
    (SSH + "inventory: [{kind: puppet}]", "archscan.yml:2: inventory[0]: kind must be one of static, local, pushed, ansible, ssh_config, docker_context, file_sd, http_sd"),
    (SSH + "inventory: [{path: x}]", "archscan.yml:2: inventory[0]: needs a kind"),
    (SSH + "inventory: [{kind: ansibel}]", "archscan.yml:2: inventory[0]: kind must be one of static, local, pushed, ansible, ssh_config, docker_context, file_sd, http_sd; did you mean ansible?"),
    (SSH + "inventory: [{kind: static, hosts: [web-1]}]", "archscan.yml:2: inventory[0].hosts: must be a mapping, not a list: write web-1: {} for each"),
    (SSH + "inventory: {}", "archscan.yml:2: inventory: must be a list: write each item behind a dash"),
    (SSH + "inventory: []", "archscan.yml:2: inventory: is required: name at least one source of hosts"),
    (SSH + "inventory: [{kind: static, hosts: {}}]", "archscan.yml:2: inventory[0].hosts: must not be empty"),
    ("", "archscan.yml: inventory: is required: name at least one source of hosts"),
    ("- a", "archscan.yml:1: must be a mapping: write NAME: VALUE, one a line"),
    ("scan: {}\nscan: {}\n", "archscan.yml:2: scan: written twice, first in line 1"),
    (HOSTS + SSH + "scan: {interval: 300}", "archscan.yml:3: scan.interval: must be a duration such as 30s, 5m, 4h or 90d"),
    (HOSTS + SSH + "scan: {interval: .nan}", "archscan.yml:3: scan.interval: must be a duration such as 30s, 5m, 4h or 90d"),
    (HOSTS + SSH + "scan: {interval: 5 m}", "archscan.yml:3: scan.interval: must be a duration such as 30s, 5m, 4h or 90d"),
    (HOSTS + SSH + "scan: {interval: 8d}", "archscan.yml:3: scan.interval: 8d is out of range: must be at most 7d"),
    (HOSTS + SSH + "scan: {depth: elf}", "archscan.yml:3: scan.depth: must be one of index, config, binary or full, not elf"),
    (HOSTS + SSH + "scan: {deadline: 6m}", "archscan.yml:3: scan.deadline: 6m must be shorter than scan.interval, 5m"),
    (HOSTS + SSH + "scan: {jitter: 5m}", "archscan.yml:3: scan.jitter: 5m must be shorter than scan.interval, 5m"),
    (
        HOSTS + SSH + "scan: {deadline: 20s}",
        "archscan.yml:3: scan.deadline: 20s leaves no time for one host: ssh.connect_timeout and ssh.probe_timeout are 30s together",
    ),
    (
        HOSTS,
        "archscan.yml: ssh.identity_file: is required: the inventory has hosts that are read by SSH\narchscan.yml: ssh.known_hosts_file: is required: the inventory has hosts that are read by SSH",
    ),
    (HOSTS + "ssh:\n  identity_file: a\n  known_hosts_file: b\n  max_output: 1KiB", "archscan.yml:5: ssh.max_output: 1KiB is out of range: must be at least 64KiB"),
    (HOSTS + "ssh:\n  identity_file: a\n  known_hosts_file: b\n  max_output: 4MB", "archscan.yml:5: ssh.max_output: must be a size such as 64KiB, 4MiB or 1GiB"),
    (HOSTS + "ssh:\n  identity_file: a\n  known_hosts_file: b\n  concurrency: .nan", "archscan.yml:5: ssh.concurrency: must be a whole number"),
    (HOSTS + "ssh:\n  identity_file: a\n  known_hosts_file: b\n  concurrency: 1.5", "archscan.yml:5: ssh.concurrency: must be a whole number"),
    (HOSTS + "ssh:\n  identity_file: a\n  known_hosts_file: b\n  concurrency: 0", "archscan.yml:5: ssh.concurrency: 0 is out of range: must be at least 1"),
    (HOSTS + "ssh:\n  identity_file: a\n  known_hosts_file: b\n  keep_connections: yes", "archscan.yml:5: ssh.keep_connections: must be true or false"),
    (HOSTS + "ssh:\n  identity_file: a\n  known_hosts_file: b\n  jump: {a: -oProxyCommand=x}", "archscan.yml:5: ssh.jump.a: must be a bastion such as bastion.example or user@bastion.example:2222"),
    (HOSTS + 'ssh:\n  identity_file: a\n  known_hosts_file: b\n  user: "a b"', "archscan.yml:5: ssh.user: must be a login name, such as archscan"),
    (HOSTS + 'ssh:\n  identity_file: a\n  known_hosts_file: b\n  user: ""', "archscan.yml:5: ssh.user: must be a login name, such as archscan"),
    (SSH + "inventory: [{kind: ssh_config, path: x, defaults: {user: -l}}]", "archscan.yml:2: inventory[0].defaults.user: must be a login name, such as archscan"),
    (SSH + "inventory: [{kind: static, hosts: {a: {address: -oProxyCommand=x}}}]", "archscan.yml:2: inventory[0].hosts.a: host a: address '-oProxyCommand=x' is neither a host name nor an IP address"),
    (SSH + 'inventory: [{kind: static, hosts: {a: {address: "a;id"}}}]', "archscan.yml:2: inventory[0].hosts.a: host a: address 'a;id' is neither a host name nor an IP address"),
    (SSH + 'inventory: [{kind: static, hosts: {a: {address: "a\\nb"}}}]', r"archscan.yml:2: inventory[0].hosts.a: host a: address 'a\nb' is neither a host name nor an IP address"),
    (SSH + 'inventory: [{kind: static, hosts: {a: {address: "web%eth0"}}}]', "archscan.yml:2: inventory[0].hosts.a: host a: address 'web%eth0' is neither a host name nor an IP address"),
    (SSH + "inventory: [{kind: static, hosts: {a: {port: 70000}}}]", "archscan.yml:2: inventory[0].hosts.a.port: 70000 is out of range: must be at most 65535"),
    (SSH + 'inventory: [{kind: static, hosts: {a: {port: "22"}}}]', "archscan.yml:2: inventory[0].hosts.a.port: must be a whole number"),
    (SSH + "inventory: [{kind: static, hosts: {a: {labels: {x-y: z}}}}]", "archscan.yml:2: inventory[0].hosts.a: host a: label 'x-y' must match [a-zA-Z_][a-zA-Z0-9_]*"),
    (SSH + "inventory: [{kind: static, hosts: {a: {planned: [{image: x, platform: 'linux/*'}]}}}]", "archscan.yml:2: inventory[0].hosts.a.planned[0].platform: must be a platform such as linux/arm64 or linux/arm/v7: platform 'linux/*': wildcards are not supported"),
    (SSH + "inventory: [{kind: static, hosts: {a: {labels: {x: 1}}}}]", "archscan.yml:2: inventory[0].hosts.a.labels.x: must be text; write it in quotes"),
    (HOSTS + SSH + "inventory: []", "archscan.yml:3: inventory: written twice, first in line 1"),
    (HOSTS + SSH + "web: {listen: nowhere}", "archscan.yml:3: web.listen: must be an address with a port, such as 127.0.0.1:9719, [::1]:9719 or :9719"),
    (HOSTS + SSH + "web: {tokens: [{name: ci, scopes: [gate]}]}", "archscan.yml:3: web.tokens[0]: needs either token_file or token_sha256"),
    (HOSTS + SSH + "web: {tokens: [{name: ci, scopes: [root], token_file: x}]}", "archscan.yml:3: web.tokens[0].scopes[0]: must be one of read, gate, operate, push, rollback or rollback_agent, not root"),
    (HOSTS + SSH + "web: {tokens: [{name: ci, scopes: [gate], token_sha256: hunter2}]}", "archscan.yml:3: web.tokens[0].token_sha256: must be 64 hexadecimal digits"),
    (
        HOSTS + SSH + "web:\n  tokens:\n  - {name: ci, scopes: [gate], token_sha256: AA}\n  - {name: ci, scopes: [read], token_sha256: BB}".replace("A", "a" * 32).replace("B", "b" * 32),
        "archscan.yml:6: web.tokens[1].name: is the name of web.tokens[0] too: the log and the trail could not tell them apart",
    ),
    (
        HOSTS + SSH + "web:\n  tokens:\n  - {name: ci, scopes: [gate], token_sha256: AA}\n  - {name: ada, scopes: [read], token_sha256: AA}".replace("A", "a" * 32),
        "archscan.yml:6: web.tokens[1].token_sha256: is the token of web.tokens[0] too: a token has one holder, whose scopes stand in one place",
    ),
    (
        "inventory: [{kind: pushed, hosts: {web-9: {}}}]\npush: {directory: p}\nweb: {tokens: [{name: a, scopes: [push], host: web-8, token_file: x}]}",
        "archscan.yml:3: web.tokens[0].host: no host that pushes is called web-8: list it in a source of kind pushed; did you mean web-9?",
    ),
    (SSH + "inventory: [{kind: static, hosts: {a: {planned: ['Shop/API:1']}}}]", "archscan.yml:2: inventory[0].hosts.a.planned[0].image: must be an image reference such as registry.example:5000/shop/api:1.4: invalid reference format: repository name (API) must be lowercase"),
    (SSH + "inventory: [{kind: static, hosts: {a: {planned: [{image: x, platform: linux/amd46}]}}}]", "archscan.yml:2: inventory[0].hosts.a.planned[0].platform: must be a platform such as linux/arm64 or linux/arm/v7: there are no hosts of platform linux/amd46; did you mean linux/amd64?"),
    (SSH + "inventory:\n- kind: static\n  hosts:\n    a: {user: x, jump: 'x@a:22'}", "archscan.yml:5: inventory[0].hosts.a.jump: is its own bastion: write jump: none for it"),
    ("ssh: {identity_file: a, known_hosts_file: b, jump: {'*': 10.0.0.1}}\n" + "inventory:\n- kind: static\n  hosts:\n    a: {address: 10.0.0.1}", "archscan.yml:5: inventory[0].hosts.a: is its own bastion: write jump: none for it"),
    (SSH + "inventory:\n- kind: static\n\thosts: {a: {}}", "archscan.yml:4: is indented by a tab: YAML takes spaces only, so write two for each tab"),
    (SSH + "inventory:\n- kind: static\n  hosts:\n    a:\n      port:22\n      user: x", "archscan.yml:6: port: needs a space behind its colon: write port: VALUE"),
    (SSH + "inventory:\n- kind: static\n  hosts:\n    a:\n      port:22", "archscan.yml:5: inventory[0].hosts.a: port: needs a space behind its colon: write port: VALUE"),
    (SSH + "inventory: [{kind: static, hosts: {a: {port:22}}}]", "archscan.yml:2: inventory[0].hosts.a: port: needs a space behind its colon: write port: VALUE"),
    (SSH + "inventory: [{kind: static, hosts: {a:{}}}]", "archscan.yml:2: a: needs a space behind its colon: write a: VALUE"),
    (HOSTS + SSH + "registries: a.example:5000", "archscan.yml:3: registries: must be a mapping: write NAME: VALUE, one a line"),
    (HOSTS + "ssh: {identity_file: @a}", "archscan.yml:2: a value begins with @: write it in quotes"),
    (HOSTS + "log:\n  level: info\n   format: json", "archscan.yml:4: is not YAML: a second colon with a space behind it: write the value in quotes, or what belongs to the key above on lines of its own, indented"),
    (HOSTS + SSH + "registries: {a.example: {usrname: x}}", "archscan.yml:3: registries.a.example.usrname: unknown key; did you mean username?"),
    (HOSTS + SSH + "registries: {'https://a.example': {}}", "archscan.yml:3: registries.https://a.example: must be a registry such as docker.io or registry.example:5000, without a scheme or path"),
    (HOSTS + SSH + "registries: {index.docker.io: {stop_below: 5}}", "archscan.yml:3: registries.index.docker.io: is Docker Hub, whose images are of docker.io: write docker.io"),
    (HOSTS + SSH + "registries: {hub.docker.com: {stop_below: 5}}", "archscan.yml:3: registries.hub.docker.com: is Docker Hub, whose images are of docker.io: write docker.io"),
    (HOSTS + SSH + "registries: {docker.io: {mirror: [hub.docker.com]}}", "archscan.yml:3: registries.docker.io.mirror[0]: is a web site, no registry: Docker Hub's is docker.io"),
    (HOSTS + SSH + "registries: {a.example: {username: x}}", "archscan.yml:3: registries.a.example: username needs a password or password_file"),
    (HOSTS + SSH + "registries: {a.example: {password: x, password_file: y}}", "archscan.yml:3: registries.a.example.password_file: password and password_file exclude each other"),
    (HOSTS + SSH + "registries: {a.example: {cert_file: x}}", "archscan.yml:3: registries.a.example: cert_file and key_file go together"),
    (HOSTS + SSH + "registries: {a.example: {allow_networks: [10/8]}}", "archscan.yml:3: registries.a.example.allow_networks[0]: must be a network such as 10.0.0.0/8 or an address"),
    (HOSTS + SSH + "registries: {a.example: {proxy: 'socks5://bot:hunter2@p'}}", "archscan.yml:3: registries.a.example.proxy: must be a proxy such as http://proxy.example:3128"),
    (HOSTS + SSH + "registries: {a.example: {proxy: 'http://p:x'}}", "archscan.yml:3: registries.a.example.proxy: must be a proxy such as http://proxy.example:3128"),
    (HOSTS + SSH + "registries: {a.example: {redirect_hosts: ['https://cdn.example']}}", "archscan.yml:3: registries.a.example.redirect_hosts[0]: must be a host such as cdn.example or *.cdn.example"),
    (HOSTS + SSH + "registries: {a.example: {rate: 0}}", "archscan.yml:3: registries.a.example.rate: 0 is out of range: must be at least 0.01"),
    (HOSTS + SSH + "registries: {a.example: {burst: 0}}", "archscan.yml:3: registries.a.example.burst: 0 is out of range: must be at least 1"),
    (HOSTS + SSH + "registries: {a.example: {stop_below: -1}}", "archscan.yml:3: registries.a.example.stop_below: -1 is out of range: must be at least 0"),
    (HOSTS + SSH + "registries: {docker_mirrors: [mirror.example]}", "archscan.yml:3: registries.docker_mirrors[0]: must be a URL such as https://mirror.example, without a path"),
    (HOSTS + SSH + "registries: {docker_mirrors: ['https://m.example/hub']}", "archscan.yml:3: registries.docker_mirrors[0]: must be a URL such as https://mirror.example, without a path"),
    (HOSTS + SSH + "registries: {podman_auth: auth.json}", "archscan.yml:3: registries.podman_auth: must be a list: write each item behind a dash"),
    (HOSTS + SSH + "registries: {registries_conf: 5}", "archscan.yml:3: registries.registries_conf: must be a file path"),
    (HOSTS + SSH + "waivers: [{owner: kim, reason: r, until: '9999-12-31T23:59:59-12:00', match: {host: a}}]", "archscan.yml:3: waivers[0].until: must end before the year 10000, in UTC"),
    (HOSTS + SSH + "waivers: [{owner: kim, reason: r, until: soon, match: {}}]", "archscan.yml:3: waivers[0].until: must be a day such as 2027-01-31 or a moment such as 2027-01-31T12:00:00Z"),
    (HOSTS + SSH + "log: {level: loud}", "archscan.yml:3: log.level: must be one of debug, info, warning or error, not loud"),
    (HOSTS + SSH + "log: &x {level: info}", "archscan.yml:3: anchors and aliases are not accepted; use the source's defaults"),
    (HOSTS + SSH + "log: !!python/object/apply:os.system [id]", "archscan.yml:3: tags such as tag:yaml.org,2002:python/object/apply:os.system are not accepted"),
    (HOSTS + SSH + "? [a]\n: b", "archscan.yml:3: a key must be text"),
    (HOSTS + SSH + "log: {level: info", "archscan.yml:3: is not YAML: did not find expected ',' or '}'"),
    (HOSTS + "---\n" + SSH, "archscan.yml:2: is not YAML: but found another document"),
    (b"log:\n  level: \xff", "archscan.yml:2: is not UTF-8"),
    (b"log: \x00", "archscan.yml: is not YAML: control characters are not allowed"),
    ("[" * 5000, "archscan.yml:1: is nested deeper than 24 levels"),
    ("a: " + "[" * 25 + "]" * 25, "archscan.yml:1: is nested deeper than 24 levels"),
    (b"#" * ((4 << 20) + 1), "archscan.yml: is longer than 4194304 bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "message"), BAD, ids=[str(index) for index in range(len(BAD))])
def test_a_bad_file_is_refused_with_its_exact_message(refuse, content, message):
    assert refuse(content) == message


def test_a_secret_is_never_shown(refuse, accept):
    assert "hunter2" not in refuse(HOSTS + SSH + "registries: {a.example: {password: {hunter2: 1}}}")
    settings = accept(HOSTS + SSH + "registries: {a.example: {password: hunter2}}")
    assert "hunter2" not in repr(settings)
    assert settings.registries.listed["a.example"].password.get_secret_value() == "hunter2"


def test_words_of_yaml_1_1_stay_text(accept):
    settings = accept(SSH + "inventory: [{kind: static, hosts: {a: {labels: {x: no, y: 22:30, z: 2027-01-01}}}}]")
    assert settings.inventory[0].hosts["a"].labels == {"x": "no", "y": "22:30", "z": "2027-01-01"}


ENVIRONMENT = [
    ("ARCHSCAN_SSH__CONNECT_TIMEOUT", "5s", lambda s: s.ssh.connect_timeout, 5.0),
    ("ARCHSCAN_SSH__CONCURRENCY", "7", lambda s: s.ssh.concurrency, 7),
    ("ARCHSCAN_SSH__KEEP_CONNECTIONS", "false", lambda s: s.ssh.keep_connections, False),
    ("ARCHSCAN_SSH__USER", "yes", lambda s: s.ssh.user, "yes"),
    ("ARCHSCAN_SSH__JUMP", "{edge-*: b}", lambda s: s.ssh.jump, {"edge-*": "b"}),
    ("ARCHSCAN_SSH__MAX_OUTPUT", "1MiB", lambda s: s.ssh.max_output, 1 << 20),
    ("ARCHSCAN_STORE__URL", "sqlite://", lambda s: s.store.url.get_secret_value(), "sqlite://"),
    ("ARCHSCAN_LOG__LEVEL", "debug", lambda s: s.log.level, "debug"),
    ("ARCHSCAN_PORT", "tcp://10.0.0.1:9719", lambda s: s, Settings.default()),
]


@pytest.mark.parametrize(("name", "text", "read", "expected"), ENVIRONMENT, ids=[row[0] for row in ENVIRONMENT])
def test_the_environment_overrides(name, text, read, expected):
    assert read(load(None, {name: text}, need_hosts=False)) == expected


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("ARCHSCAN_SSH__CONECT_TIMEOUT", "5s", "ARCHSCAN_SSH__CONECT_TIMEOUT: ssh.conect_timeout: names no setting; did you mean ARCHSCAN_SSH__CONNECT_TIMEOUT?"),
        ("ARCHSCAN_SSH__CONNECT_TIMEOUT", "5", "ARCHSCAN_SSH__CONNECT_TIMEOUT: ssh.connect_timeout: must be a duration such as 30s, 5m, 4h or 90d"),
        ("ARCHSCAN_SSH_CONNECT_TIMEOUT", "5s", "ARCHSCAN_SSH_CONNECT_TIMEOUT: names no setting; did you mean ARCHSCAN_SSH__CONNECT_TIMEOUT?"),
        ("ARCHSCAN_SHS__USER", "x", "ARCHSCAN_SHS__USER: shs.user: names no setting"),
        ("ARCHSCAN_SSH__", "x", "ARCHSCAN_SSH__: ssh.: names no setting"),
        ("ARCHSCAN_SCAN__DEADLINE", "9m", "ARCHSCAN_SCAN__DEADLINE: scan.deadline: 9m must be shorter than scan.interval, 5m"),
        ("ARCHSCAN_SSH__CONCURRENCY", "]", "ARCHSCAN_SSH__CONCURRENCY:1: is not YAML: did not find expected node content"),
    ],
)  # fmt: skip
def test_a_bad_variable_is_named(name, text, message):
    with pytest.raises(SettingsError) as caught:
        load(None, {name: text}, need_hosts=False)
    assert str(caught.value) == message


def test_an_anonymous_missing_file_is_told(tmp_path):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path / "none.yml")
    assert str(caught.value) == f"{tmp_path}/none.yml: cannot be read: No such file or directory"


def test_a_fifo_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(SettingsError, match="is not a regular file"):
        load(tmp_path / "fifo")


def test_a_file_that_everybody_may_write_is_refused(tmp_path):
    path = tmp_path / "archscan.yml"
    path.write_text(GOOD)
    path.chmod(0o666)
    with pytest.raises(SettingsError, match="everybody may write to it: chmod o-w"):
        load(path)


def test_links_are_followed_unless_a_stranger_made_them(tmp_path):
    path, link = tmp_path / "real.yml", tmp_path / "archscan.yml"
    path.write_text(GOOD)
    link.symlink_to(path)
    assert load(link).ssh.user == "archscan"
    if os.geteuid() == 0:
        os.chown(link, 65534, 65534, follow_symlinks=False)
        with pytest.raises(SettingsError, match="is a symbolic link of user 65534"):
            load(link)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "archscan.yml"
    path.write_text(GOOD)
    statuses = iter([path.stat(), path.stat()])
    real = os.fstat

    def growing(descriptor):
        status = next(statuses, None)
        if status is None:
            with path.open("a") as file:
                file.write("# more")
            return real(descriptor)
        return status

    monkeypatch.setattr("scanner.formats.files.os.fstat", growing)
    with pytest.raises(SettingsError, match="changed while it was read"):
        load(path)


IDENTITIES = [
    ("{match: a}", "needs either identity_file or agent"),
    ("{match: a, identity_file: b, agent: c}", "needs either identity_file or agent"),
    ("{match: a, agent: c, passphrase_file: d}", "an agent has the certificates and passphrases of its keys itself"),
]


@pytest.mark.parametrize(("entry", "told"), IDENTITIES)
def test_an_identity_is_one_key_or_one_agent(accept, entry, told):
    with pytest.raises(SettingsError) as caught:
        accept(f"{HOSTS}ssh: {{known_hosts_file: k, identities: [{entry}]}}\n")
    assert f"ssh.identities[0]: {told}" in str(caught.value)


def test_keys_by_host_make_a_key_of_everybody_needless(accept):
    settings = accept(f"{HOSTS}ssh: {{known_hosts_file: k, identities: [{{match: 'team=db', identity_file: b}}]}}\n")
    assert settings.ssh.identities[0].match == "team=db"


def test_a_host_may_stand_in_two_sources_of_ours(accept):
    settings = accept(
        SSH + "inventory:\n- {kind: static, hosts: {a: {}}}\n- {kind: static, hosts: {a: {labels: {x: y}}}}"
    )
    assert len(settings.inventory) == 2


def test_another_account_of_a_host_may_be_its_bastion(accept):
    host = accept(SSH + "inventory: [{kind: static, hosts: {a: {user: root, jump: 'gate@a'}}}]").inventory[0].hosts["a"]
    assert host.jump == "gate@a"


def test_a_tilde_is_the_home_of_our_own_account(accept, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    settings = accept(SSH + "inventory:\n- {kind: ssh_config, path: ~/.ssh/config}\n- {kind: ansible, path: a~b}")
    assert str(settings.inventory[0].path) == "/home/me/.ssh/config"
    assert settings.inventory[1].path.name == "a~b"
    with pytest.raises(SettingsError, match="is in a home that is not known: write it out"):
        accept(SSH + "inventory: [{kind: ssh_config, path: ~nobody-of-that-name/config}]")
