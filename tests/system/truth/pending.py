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
    "config-created-odd": "this document is not read as that engine reads it",
    "config-history-too-long": "this document is not read as that engine reads it",
    "config-of-docker-type": "this document is not read as that engine reads it",
    "config-os-upper": "this document is not read as that engine reads it",
    "dev-is-a-file": "what this engine makes of such a config or root is not weighed",
    "diff-ids-too-few": "this engine unpacks such a layer in its own way",
    "diff-ids-wrong-below": "this engine unpacks such a layer in its own way",
    "directory-above-a-file": "this engine unpacks such a layer in its own way",
    "elf-entry-in-the-header": "what this file does once it is mapped is not known",
    "elf-segment-at-zero": "what this file does once it is mapped is not known",
    "elf-segment-huge": "what this file does once it is mapped is not known",
    "elf-segment-no-bytes": "what this file does once it is mapped is not known",
    "entry-386": "this is not judged as the engine has it yet",
    "exposed-port-odd": "what this engine makes of such a config or root is not weighed",
    "hard-link-then-target-replaced": "this engine unpacks such a layer in its own way",
    "index-386-holds-amd64": "this document is not read as that engine reads it",
    "index-386-only": "this document is not read as that engine reads it",
    "index-entry-urls": "this document is not read as that engine reads it",
    "index-i386-only": "this document is not read as that engine reads it",
    "index-no-platform-beside-arm64": "this document is not read as that engine reads it",
    "labels-odd": "what this engine makes of such a config or root is not weighed",
    "launch-busybox-nice-right": "whether this launcher can do what its options say is not weighed",
    "launch-busybox-no-applet-foreign": "whether this launcher can do what its options say is not weighed",
    "launch-busybox-no-applet-right": "whether this launcher can do what its options say is not weighed",
    "launch-busybox-nohup-right": "whether this launcher can do what its options say is not weighed",
    "launch-busybox-setsid-right": "whether this launcher can do what its options say is not weighed",
    "launch-chpst-right": "whether this launcher can do what its options say is not weighed",
    "launch-setarch-right": "whether this launcher can do what its options say is not weighed",
    "layer-docker-zstd-type": "this engine unpacks such a layer in its own way",
    "layer-gzip-labelled-tar": "this engine unpacks such a layer in its own way",
    "layer-of-no-bytes-above": "this engine unpacks such a layer in its own way",
    "layer-zstd-labelled-gzip": "this engine unpacks such a layer in its own way",
    "layer-zstd-skippable-first": "this engine unpacks such a layer in its own way",
    "layers-127": "this engine unpacks such a layer in its own way",
    "library-newer-than-needed": "single symbols of libraries are not compared",
    "proc-is-a-link": "what this engine makes of such a config or root is not weighed",
    "sh-echoed-captured-foreign": "what this script does is not followed as its shell does it",
    "sh-fallback-after-failure-foreign": "what this script does is not followed as its shell does it",
    "sh-redis-by-option-right": "what this script does is not followed as its shell does it",
    "sh-redis-right": "what this script does is not followed as its shell does it",
    "sh-writes-a-script-right": "what this script does is not followed as its shell does it",
    "stop-signal-odd": "what this engine makes of such a config or root is not weighed",
    "tar-name-empty": "this engine unpacks such a layer in its own way",
}
