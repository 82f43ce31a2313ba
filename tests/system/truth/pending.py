"""The kinds of images on which a verdict still contradicts an engine, each with what is missing."""

NOT_RECORDED: frozenset[str] = frozenset()
"""The engines whose answers are still to be recorded by `make engines`, which takes a quiet machine some hours."""

NOT_ASKED_OF: frozenset[str] = frozenset({
    "containerd-1.6", "containerd-1.7", "containerd-2.1", "docker-20.10", "docker-26.1-classic", "docker-26.1-containerd",
    "docker-28.5-classic", "docker-28.5-containerd", "podman-4.3", "podman-5.4-crun", "podman-5.4-runc", "podman-5.8-crun",
    "podman-5.8-runc",
})  # fmt: skip
"""The engines that were recorded before the kinds of ``NOT_ASKED`` were there; one that is recorded anew goes off."""

_LATER = "seen on Docker 20.10 alone when it was added"
NOT_ASKED: dict[str, str] = dict.fromkeys(
    (
        "library-damaged-where-some-cpus-look-first", "library-by-cache-closed-to-its-user", "loader-given-a-script",
        "whiteout-below-a-link-on-the-way",
    ),
    _LATER,
)  # fmt: skip
"""The kinds of which the recordings of the engines of ``NOT_ASKED_OF`` say nothing yet, each with why."""

PENDING_ON_NEWER: dict[str, str] = {}
"""The kinds that the newer Docker of a test run was seen to contradict, while its recording does not have them."""

PENDING_WHEN_RUN: dict[str, str] = {
    "index-two-without-platform": "an index without platforms tells nobody which image a container was made from, so that"
    " only what its runtime said of it is known",
}
"""The kinds that are judged otherwise once a newer Docker has run them."""

PENDING: dict[str, str] = {}
