"""Kinds of Kubernetes objects: where each has its pod, which ones start nothing, which ones others render."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from scanner.probe.planned import manifest_files
from scanner.probe.planned.plans import UnclearError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WITH_PODS = frozenset(
    {
        *("Pod", "PodTemplate", "ReplicationController", "ReplicaSet", "Deployment", "StatefulSet", "DaemonSet"),
        *("Job", "CronJob"),
    }
)
"""Kubernetes' own kinds that lead to a container (its OpenAPI document; tests/data/kubernetes)."""

_OWN_GROUPS = frozenset(
    {
        *("", "admission.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io"),
        *("apps", "authentication.k8s.io", "authorization.k8s.io", "autoscaling", "batch", "certificates.k8s.io"),
        *("coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "extensions", "flowcontrol.apiserver.k8s.io"),
        *("imagepolicy.k8s.io", "internal.apiserver.k8s.io", "networking.k8s.io", "node.k8s.io", "policy"),
        *("rbac.authorization.k8s.io", "resource.k8s.io", "scheduling.k8s.io", "storage.k8s.io"),
        "storagemigration.k8s.io",
    }
)
"""Groups of Kubernetes itself: it has no kinds in them but those that are told here."""

_OWN_WITHOUT_CONTAINERS = frozenset(
    {
        *("APIGroup", "APIService", "Binding", "CSIDriver", "CSINode", "CSIStorageCapacity"),
        *("CertificateSigningRequest", "ClusterRole", "ClusterRoleBinding", "ClusterTrustBundle", "ComponentStatus"),
        *("ConfigMap", "ControllerRevision", "CustomResourceDefinition", "DeleteOptions", "DeviceClass"),
        *("EndpointSlice", "Endpoints", "Event", "Eviction", "FlowSchema", "HorizontalPodAutoscaler", "IPAddress"),
        *("Ingress", "IngressClass", "Lease", "LimitRange", "LocalSubjectAccessReview", "MutatingAdmissionPolicy"),
        *("MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration", "Namespace", "NetworkPolicy", "Node"),
        *("PersistentVolume", "PersistentVolumeClaim", "PodDisruptionBudget", "PodSecurityPolicy", "PriorityClass"),
        *("PriorityLevelConfiguration", "ResourceClaim", "ResourceClaimTemplate", "ResourceQuota", "ResourceSlice"),
        *("Role", "RoleBinding", "RuntimeClass", "Secret", "ServiceAccount", "ServiceCIDR", "StorageClass"),
        *("SubjectAccessReview", "TokenReview", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
        *("ValidatingWebhookConfiguration", "VolumeAttachment", "VolumeAttributesClass", "Service"),
        *("User", "Group"),
    }
)
"""Names of Kubernetes' kinds that start nothing, with the subjects of bindings: for texts that cannot be parsed."""

_OWN_OTHERS = frozenset(
    {
        *("APIResource", "APIVersions", "DeviceTaintRule", "LeaseCandidate", "PodCertificateRequest", "PodGroup"),
        *(
            "ResourcePoolStatusRequest",
            "Scale",
            "SelfSubjectAccessReview",
            "SelfSubjectReview",
            "SelfSubjectRulesReview",
        ),
        *("Status", "StorageVersion", "StorageVersionMigration", "TokenRequest", "WatchEvent", "Workload"),
    }
)
"""More of them, whose names others may have for kinds that start something."""

_POLICY_GROUPS = frozenset(
    {
        *("kyverno.io", "policies.kyverno.io", "templates.gatekeeper.sh", "constraints.gatekeeper.sh"),
        *("mutations.gatekeeper.sh", "config.gatekeeper.sh", "policy.sigstore.dev"),
        *("image.toolkit.fluxcd.io", "source.toolkit.fluxcd.io", "notification.toolkit.fluxcd.io"),
        *(
            "external-secrets.io",
            "bitnami.com",
            "monitoring.grafana.com",
            "grafana.integreatly.org",
            "backstage.io",
            "argocd-image-updater.argoproj.io",
            "skaffold",
            *("infrastructure.cluster.x-k8s.io", "k3d.io", "kind.x-k8s.io", "kops.k8s.io", "machine.openshift.io"),
        ),
    }
)
"""Groups that speak of images and start none: policies, watchers of registries, tools that build, pictures on pages,
machines of clusters."""

_KUSTOMIZE = "kustomize is not run here: keep its output in the repository"
_HELM = "Helm is not run here: keep the rendered manifests in the repository"
_ARGO = "what Argo CD deploys from elsewhere is not fetched here: keep the rendered manifests in the repository"

_RENDERED = {
    "Kustomization": _KUSTOMIZE,
    "HelmRelease": _HELM,
    "HelmChart": _HELM,
    "HelmChartConfig": _HELM,
}
_RENDERED_BY_GROUP = {
    ("Component", "kustomize.config.k8s.io"): _KUSTOMIZE,
    ("Application", "argoproj.io"): _ARGO,
    ("ApplicationSet", "argoproj.io"): _ARGO,
    ("Template", "template.openshift.io"): "an OpenShift template is not processed here: keep its output instead",
    ("Template", ""): "an OpenShift template is not processed here: keep its output instead",
}

_OF_CONTAINERS = re.compile(r"(?:\w*[cC]ontainers|image|\w*Image|imageName|imageRef)", re.ASCII)
"""Fields by which a kind that nobody here knows may start a container."""


_SAID_OF_OTHERS = frozenset({"labels", "annotations", "matchLabels", "commonLabels", "commonAnnotations"})
"""Fields that name whatever their author likes, an image among it."""


def leads_to_containers(kind: str) -> bool:
    """Whether an object of a kind of this name, if it is one of Kubernetes', starts containers here or elsewhere."""
    return kind in WITH_PODS or kind in _RENDERED


def is_own_without_containers(kind: str) -> bool:
    """Whether the only known kind of this name starts nothing."""
    return kind in _OWN_WITHOUT_CONTAINERS


def group_of(body: Mapping[Any, Any]) -> str:
    """The group of an object's apiVersion, empty for the core's."""
    group, slash, _ = str(body.get("apiVersion") or "").partition("/")
    return group if slash else ""


def rendered_elsewhere(body: Mapping[Any, Any]) -> str:
    """Why only another tool can say what an object starts; empty where that is not so."""
    kind = body.get("kind")
    if not isinstance(kind, str) or group_of(body) in _POLICY_GROUPS:
        return ""
    return _RENDERED.get(kind) or _RENDERED_BY_GROUP.get((kind, group_of(body)), "")


def starts_nothing(kind: str, group: str) -> bool:
    """Whether objects of a kind start no container, whatever stands in them."""
    if group not in _OWN_GROUPS:
        return group in _POLICY_GROUPS
    of = kind.removesuffix("List")
    return of in _OWN_WITHOUT_CONTAINERS or of in _OWN_OTHERS or (of != kind and of in WITH_PODS)


def pod_of(body: Mapping[Any, Any], kind: str) -> Mapping[Any, Any] | None:
    """The pod's own specification at the usual place of a kind; none where there is none.

    Raises:
        UnclearError: what stands on the way to it is no mapping.
    """
    spec = manifest_files.mapping(body.get("spec"), "spec")
    if (kind == "Pod" and group_of(body) in _OWN_GROUPS) or (
        kind == "Revision" and group_of(body) == "serving.knative.dev"
    ):
        return spec
    is_own = kind in WITH_PODS and group_of(body) in _OWN_GROUPS
    if is_own and kind == "CronJob":
        job = manifest_files.mapping(spec.get("jobTemplate"), "jobTemplate")
        spec = manifest_files.mapping(job.get("spec"), "spec")
    if is_own and kind == "PodTemplate":
        spec = {"template": body.get("template")}
    if is_own:
        return _template(spec)
    if group_of(body) in _OWN_GROUPS:
        return None  # a kind that Kubernetes does not have: it tells capital letters from small ones
    try:
        found = _template(spec)
    except UnclearError:
        return None
    return found if isinstance(found.get("containers"), list) else None


def _template(spec: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return manifest_files.mapping(manifest_files.mapping(spec.get("template"), "template").get("spec"), "spec")


def is_scaled_to_zero(body: Mapping[Any, Any], kind: str) -> bool:
    """Whether an object says that none of its pods is to run.

    Raises:
        UnclearError: the count is no number.
    """
    spec = manifest_files.mapping(body.get("spec"), "spec")
    keys = (
        ("parallelism", "completions")
        if kind == "Job"
        else ()
        if kind in ("Pod", "DaemonSet", "CronJob")
        else ("replicas",)
    )
    for key in keys:
        count = spec.get(key)
        if count is not None and (isinstance(count, bool) or not isinstance(count, int)):
            raise UnclearError(f"{key} is no number")
        if count == 0:
            return True
    return False


def holds_something_like_a_container(body: Mapping[Any, Any]) -> bool:
    """Whether an object of an unknown kind names an image or containers anywhere but in its metadata and status."""
    inner = [value for key, value in body.items() if key not in ("metadata", "status", "kind", "apiVersion")]
    return any(_is_of_containers(key, value) for one in _mappings(inner) for key, value in one.items())


def names_an_image(value: list[Any]) -> bool:
    """Whether anything in objects is called an image, labels and annotations aside."""
    return any(key == "image" for one in _mappings(value) for key in one)


def _mappings(value: list[Any]) -> Iterator[dict[Any, Any]]:
    """Every mapping within a value, each once, but those that say of others what their author likes."""
    todo = [*value]
    seen: set[int] = set()  # what several aliases stand for is one object
    while todo:
        one = todo.pop()
        if not isinstance(one, dict | list) or id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, list):
            todo += one
            continue
        yield one
        todo += [inner for key, inner in one.items() if key not in _SAID_OF_OTHERS]


def _is_of_containers(key: Any, value: Any) -> bool:
    """An image by its name or its parts, or a list of containers."""
    if not isinstance(key, str) or not _OF_CONTAINERS.fullmatch(key):
        return False
    if key.lower().endswith("containers"):
        return isinstance(value, list) and any(isinstance(one, dict) for one in value)
    return (isinstance(value, str) and bool(value.strip())) or (isinstance(value, dict) and "repository" in value)
