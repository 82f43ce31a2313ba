"""The parts of a Kubernetes API server that kubectl asks for to bring one Deployment back, spoken over HTTP."""

from __future__ import annotations

import copy
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

KINDS = {"deployments": "Deployment", "replicasets": "ReplicaSet", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet"}  # fmt: skip


def _template(image: str) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"app": "api"}},
        "spec": {"containers": [{"name": "side", "image": "shop/side:1"}, {"name": "api", "image": image}]},
    }


class Cluster:
    """One Deployment ``api`` in ``shop`` with a ReplicaSet for each image that it has had; the last is now.

    ``writes`` are the bodies of what changed it. ``ready`` tells whether what it makes gets ready.
    """

    def __init__(self, *images: str) -> None:
        revision = str(len(images))
        self.ready = True
        self.writes: list[Any] = []
        self.deployment: dict[str, Any] = {
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "api", "namespace": "shop", "uid": "d", "generation": 2,
                         "annotations": {"deployment.kubernetes.io/revision": revision}},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "api"}}, "template": _template(images[-1])},
            "status": {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1},
        }  # fmt: skip
        self.sets = [self._set(str(number), image) for number, image in enumerate(images, 1)]
        owner = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "name": f"api-{revision}",
            "uid": revision,
            "controller": True,
        }
        self.pod = {"apiVersion": "v1", "kind": "Pod",
                    "metadata": {"name": "api-x", "namespace": "shop", "ownerReferences": [owner]}}  # fmt: skip
        cluster = self

        class Handler(_Handler):
            of = cluster

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @staticmethod
    def _set(revision: str, image: str) -> dict[str, Any]:
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api", "uid": "d", "controller": True}
        return {
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": f"api-{revision}", "namespace": "shop", "uid": revision, "labels": {"app": "api"},
                         "annotations": {"deployment.kubernetes.io/revision": revision}, "ownerReferences": [owner]},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "api"}}, "template": _template(image)},
            "status": {"replicas": 1},
        }  # fmt: skip

    @property
    def image(self) -> str:
        """What the Deployment is to run now."""
        found: str = self.deployment["spec"]["template"]["spec"]["containers"][1]["image"]
        return found

    def config(self, folder: Path) -> Path:
        """A kubeconfig for it."""
        path = folder / "kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{self._server.server_port}"}}],
            "users": [{"name": "u", "user": {}}], "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        }))  # fmt: skip
        return path

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def found(self, path: str) -> dict[str, Any] | None:
        """What stands at an address."""
        resources = [
            {"name": name, "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": ["get", "list", "patch"]}
            for name, kind in KINDS.items()
        ]  # fmt: skip
        pods = [{"name": "pods", "singularName": "pod", "namespaced": True, "kind": "Pod", "verbs": ["get"]}]
        group = {"groupVersion": "apps/v1", "version": "v1"}
        of_shop = "/apis/apps/v1/namespaces/shop"
        there: dict[str, dict[str, Any]] = {
            "/version": {"major": "1", "minor": "32", "gitVersion": "v1.32.0"},
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/apis": {"kind": "APIGroupList", "apiVersion": "v1",
                      "groups": [{"name": "apps", "versions": [group], "preferredVersion": group}]},
            "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": pods},
            "/apis/apps/v1": {"kind": "APIResourceList", "groupVersion": "apps/v1", "resources": resources},
            "/api/v1/namespaces/shop/pods/api-x": self.pod,
            f"{of_shop}/deployments/api": self.deployment,
            f"{of_shop}/replicasets": {"kind": "ReplicaSetList", "apiVersion": "apps/v1", "metadata": {}, "items": self.sets},
        }  # fmt: skip
        there |= {f"{of_shop}/replicasets/{one['metadata']['name']}": one for one in self.sets}
        return there.get(path)

    def patched(self, body: Any, *, dry: bool) -> dict[str, Any]:
        """The Deployment with a strategic merge patch (set image) or a JSON patch (rollout undo)."""
        new = copy.deepcopy(self.deployment)
        if isinstance(body, list):
            for one in body:
                if one["path"] == "/spec/template":
                    new["spec"]["template"] = one["value"]
        else:
            containers = {one["name"]: one for one in new["spec"]["template"]["spec"]["containers"]}
            for one in body["spec"]["template"]["spec"]["containers"]:
                containers[one["name"]]["image"] = one["image"]
        new["metadata"]["generation"] += 1
        new["status"] |= {"observedGeneration": new["metadata"]["generation"], "readyReplicas": int(self.ready)}
        if not self.ready:
            new["status"]["conditions"] = [
                {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
            ]
        if not dry:
            self.writes.append(body)
            self.deployment = new
        return new


class _Handler(BaseHTTPRequestHandler):
    of: Cluster

    def log_message(self, *_: Any) -> None:
        """Nothing is logged."""

    def _answer(self, document: dict[str, Any] | None) -> None:
        gone = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
        body = json.dumps(document or gone).encode()
        self.send_response(200 if document else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self._answer(self.of.found(self.path.partition("?")[0]))

    def do_PATCH(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(self.of.patched(body, dry="dryRun" in self.path))
