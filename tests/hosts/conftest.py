"""The cheapest of what a rollback's script can change: a service of a swarm, of which a manager's commands are made up."""

import os

import pytest

from tests.real.hand import Hand

HEX = "a" * 64
IMAGE = f"r.example/shop/api@sha256:{HEX}"
EXPECTED = "b" * 64
FORMER = {"up": f"{IMAGE}\n", "done": f"{IMAGE}\n", "undone": "r.example/shop/api:2\n"}
"""What the service is to run by how a rollback stands."""

SWARM = r"""#!/bin/sh
# What a manager of a swarm answers; "image" is what the service is to run.
cd {folder} || exit 1
case "$*" in
  version*) echo >>versions ;;
  'image inspect '*"RepoDigests"*) ;;
  'image inspect '*) echo sha256:{id} ;;
  'service inspect '*ContainerSpec.Image*) cat image ;;
  'service inspect '*'json .Spec'*) cat version ;;
  'service inspect '*UpdateStatus*) cat status ;;
  'service inspect '*Replicated*) echo 1 ;;
  'service ps '*) echo 'task1 Running 3 seconds ago' ;;
  'service update --detach --no-resolve-image --image '*)
    echo "$6" >image
    echo "$*" >>updates
    echo $(($(cat version) + 1)) >version ;;
  *) echo "unknown: $*" >&2; exit 1 ;;
esac
"""


@pytest.fixture
def manager(tmp_path):
    """``manager("completed")``: a hand on a manager whose service ``shop_api`` runs :2, with its folder."""

    def make(status, name="swarm", **clients):
        folder = tmp_path / name
        folder.mkdir()
        for file, text in (("image", "r.example/shop/api:2"), ("version", "7"), ("status", status)):
            (folder / file).write_text(f"{text}\n")
        docker = folder / "docker"
        docker.write_text(SWARM.replace("{folder}", str(folder)).replace("{id}", HEX))
        docker.chmod(0o755)
        hand = Hand(folder / "hand", {"docker": str(docker)} | clients, {"PATH": os.environ["PATH"]})
        return hand, folder

    return make
