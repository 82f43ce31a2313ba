"""What wires the four services together: Grafana's provisioning, the Compose file."""

import re
from pathlib import Path

import yaml

from grafana import alerts
from grafana.build import ARCHSCAN

ROOT = Path(__file__).parent.parent.parent
PROVISIONING = ROOT / "grafana" / "provisioning"
COMPOSE_FILE = ROOT / "config" / "compose" / "compose.yml"
COMPOSE = yaml.safe_load(COMPOSE_FILE.read_text())
SERVICES = COMPOSE["services"]


def read(*parts):
    return yaml.safe_load(PROVISIONING.joinpath(*parts).read_text())


def mounts(service):
    return [volume.split(":") for volume in SERVICES[service]["volumes"]]


def test_provisioning_files_are_of_the_version_grafana_reads():
    files = sorted(PROVISIONING.rglob("*.yml"))
    assert {file.parent.name for file in files} == {"datasources", "dashboards", "alerting"}
    assert all(yaml.safe_load(file.read_text())["apiVersion"] == 1 for file in files)


def test_alerts_ask_the_data_source_that_is_provisioned():
    assert [source["uid"] for source in read("datasources", "archscan.yml")["datasources"]] == [alerts.DATASOURCE]


def test_provisioning_takes_no_dollar_for_the_environment_by_mistake():
    for kind in ("datasources", "dashboards"):
        text = re.sub(r"#.*", "", (PROVISIONING / kind / "archscan.yml").read_text())
        assert "$" not in text


def test_what_compose_mounts_exists():
    for name, service in SERVICES.items():
        for source, target, *_ in mounts(name):
            if source.startswith("."):
                assert (COMPOSE_FILE.parent / source).resolve().exists(), source
            else:
                assert source in COMPOSE["volumes"], source
            assert target.startswith("/")
        build = service.get("build")
        assert not build or (COMPOSE_FILE.parent / build / "Dockerfile").is_file()


def test_what_compose_mounts_of_ours_cannot_be_changed_from_inside():
    for name in SERVICES:
        assert all(mode == ["ro"] for source, _, *mode in mounts(name) if source.startswith("."))


def listeners():
    """The address each service listens on, as its own setting says."""
    found = {}
    for name, service in SERVICES.items():
        settings, command = service.get("environment", {}), service.get("command", [])
        given = [word.partition("=")[2] for word in command if word.startswith("--web.listen-address=")]
        grafana = [f"{settings['GF_SERVER_HTTP_ADDR']}:{settings['GF_SERVER_HTTP_PORT']}"] if name == "grafana" else []
        found[name] = [*given, *grafana, *filter(None, [settings.get("ARCHSCAN_WEB__LISTEN")])]
    return found


def test_every_service_listens_on_loopback_only():
    for name, addresses in listeners().items():
        assert len(addresses) == 1, name
        assert addresses[0].startswith("127.0.0.1:")
        assert SERVICES[name]["network_mode"] == "host"
        assert "ports" not in SERVICES[name]
    assert "--cluster.listen-address=" in SERVICES["alertmanager"]["command"]


def test_the_services_reach_each_other_by_the_addresses_in_the_files():
    listens = {name: addresses[0] for name, addresses in listeners().items()}
    scrape = yaml.safe_load((ROOT / "config" / "prometheus" / "prometheus.yml").read_text())
    [alertmanagers] = scrape["alerting"]["alertmanagers"][0]["static_configs"]
    [targets] = scrape["scrape_configs"][0]["static_configs"]
    assert targets["targets"] == [listens["archscan"]]
    assert alertmanagers["targets"] == [listens["alertmanager"]]
    assert read("datasources", "archscan.yml")["datasources"][0]["url"] == f"http://{listens['prometheus']}"
    assert f"http://{listens['archscan']}" == ARCHSCAN


def test_rules_are_mounted_where_prometheus_looks_for_them():
    scrape = yaml.safe_load((ROOT / "config" / "prometheus" / "prometheus.yml").read_text())
    looked_for = {f"/etc/prometheus/{file}" for file in scrape["rule_files"]}
    assert looked_for <= {target for _, target, *_ in mounts("prometheus")}


def test_grafana_finds_the_dashboards_where_provisioning_looks():
    folder = read("dashboards", "archscan.yml")["providers"][0]["options"]["path"]
    assert ["../../grafana/dashboards", folder, "ro"] in mounts("grafana")


def test_only_one_of_prometheus_and_grafana_alerts():
    assert not any("alerting" in source for source, *_ in mounts("grafana"))
    assert any("rules" in target for _, target, *_ in mounts("prometheus"))


def test_images_are_of_a_named_version():
    for service in SERVICES.values():
        if "build" not in service:
            assert re.search(r":v?\d+\.\d+\.\d+$", service["image"])


def test_compose_s_archscan_yml_names_files_that_its_readme_asks_for():
    config = yaml.safe_load((COMPOSE_FILE.parent / "archscan" / "archscan.yml").read_text())
    readme = (COMPOSE_FILE.parent / "README.md").read_text()
    for path in (config["ssh"]["identity_file"], config["ssh"]["known_hosts_file"]):
        assert Path(path).parent == Path("/etc/archscan")
        assert f"`{Path(path).name}`" in readme
    ignored = (COMPOSE_FILE.parent / "archscan" / ".gitignore").read_text().split()
    assert "*" in ignored, "keys are never committed"
