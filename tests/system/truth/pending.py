"""The kinds of images on which a verdict still contradicts an engine, each with what is missing."""

NOT_RECORDED = frozenset(
    {
        "podman-5.4-runc",
        "podman-5.8-runc",
        "podman-5.8-crun",
        "containerd-1.6",
        "containerd-2.1",
    }
)
"""The engines whose answers are still to be recorded by `make engines`, which takes a quiet machine some hours."""

PENDING_WHEN_RUN: dict[str, str] = dict.fromkeys(
    (
        *("index-386-only", "index-two-without-platform", "index-duplicate-entry", "index-oci"),
        *("entry-lies-config-honest", "entry-386", "shared-base-native", "shared-base-of-three"),
    ),
    "of a container made from an index the newer Docker's containerd store tells no platform that the probe reads",
)
"""The kinds that are judged otherwise once a newer Docker has run them."""

PENDING: dict[str, str] = {
    "library-newer-than-needed": "single symbols of libraries are not compared",
    "sh-fallback-after-failure-foreign": "that a script goes on where its program cannot start is not weighed",
}
