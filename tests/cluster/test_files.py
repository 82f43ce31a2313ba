"""The files in config/cluster are what archscan, Compose and Kubernetes take."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from scanner.cluster.tls import Tls
from scanner.settings.load import load
from tests.cluster.certificates import authority

FOLDER = Path(__file__).parent.parent.parent / "config" / "cluster"
MANIFESTS = [each for each in yaml.safe_load_all((FOLDER / "kubernetes.yml").read_text()) if each]
COMPOSE = yaml.safe_load((FOLDER / "compose.yml").read_text())


def of_kind(kind):
    return {each["metadata"]["name"]: each for each in MANIFESTS if each["kind"] == kind}


@pytest.mark.parametrize(("file", "need_hosts"), [("archscan.yml", True), ("worker.yml", False)])
def test_the_settings_are_good(file, need_hosts):
    settings = load(FOLDER / file, {}, need_hosts=need_hosts)
    assert settings.cluster.scheduler == "tls://scheduler:8786"
    assert bool(settings.ssh.identity_file) == (file == "worker.yml")


def test_the_worker_s_settings_in_kubernetes_are_good(tmp_path):
    file = tmp_path / "worker.yml"
    file.write_text(of_kind("ConfigMap")["archscan-worker"]["data"]["worker.yml"])
    assert load(file, {}, need_hosts=False).cluster.is_remote


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (("ca.pem", "member.pem", "member.key"), ""),
        (("member.key", "member.pem", "member.key"), "member.key: holds no certificate"),
        (("ca.pem", "member.pem", "ca.pem"), "the certificates do not fit together: "),
        (("pipe", "member.pem", "member.key"), "pipe: is not a regular file but a named pipe"),
        (("ca.pem", "member.pem", "pipe"), "pipe: is not a regular file but a named pipe"),
    ],
)
def test_certificates_are_tried_before_a_cluster_is_and_no_pipe_is_waited_for(tmp_path, files, says):
    authority(tmp_path, "ca", "member")
    os.mkfifo(tmp_path / "pipe")
    problem = Tls(*(str(tmp_path / name) for name in files)).problem()
    assert says in problem
    assert bool(problem) == bool(says)


def test_every_deployment_selects_its_own_pods_and_runs_with_no_more_than_it_needs():
    deployments = of_kind("Deployment")
    assert set(deployments) == {"archscan-scheduler", "archscan-worker"}
    for deployment in deployments.values():
        template = deployment["spec"]["template"]
        wanted = deployment["spec"]["selector"]["matchLabels"]
        assert wanted.items() <= template["metadata"]["labels"].items()
        pod = template["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        (container,) = pod["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert {each["name"] for each in container["volumeMounts"]} == {each["name"] for each in pod["volumes"]}


def test_the_service_leads_to_the_scheduler_s_port():
    service, pod = of_kind("Service")["scheduler"], of_kind("Deployment")["archscan-scheduler"]["spec"]["template"]
    assert service["spec"]["selector"] == pod["metadata"]["labels"]
    (port,) = pod["spec"]["containers"][0]["ports"]
    assert (port["name"], port["containerPort"]) == (service["spec"]["ports"][0]["targetPort"], 8786)


def test_the_compose_file_names_what_is_there():
    for service in COMPOSE["services"].values():
        for secret in service["secrets"]:
            assert (secret if isinstance(secret, str) else secret["source"]) in COMPOSE["secrets"]
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            made = {"./tls", "./known_hosts"}
            assert source in made | set(COMPOSE["volumes"]) or (FOLDER / source).is_file()


def test_the_certificates_are_of_one_authority_and_the_keys_are_private(tmp_path, require):
    require("openssl", "openssl")
    argv = ["sh", FOLDER / "certificates.sh", "scheduler", "worker"]
    subprocess.run(argv, cwd=tmp_path, check=True, capture_output=True, env={"PATH": os.environ["PATH"]})
    for name in ("scheduler", "worker"):
        verify = ["openssl", "verify", "-x509_strict", "-CAfile", "ca.pem", f"{name}.pem"]
        done = subprocess.run(verify, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / f"{name}.key").stat().st_mode & 0o077 == 0
    assert not list(tmp_path.glob("*.csr"))
