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

NOT_ASKED_OF = frozenset(
    {
        *("docker-26.1-classic", "docker-26.1-containerd", "docker-28.5-classic", "docker-28.5-containerd"),
        *("podman-5.4-crun", "containerd-1.7"),
    }
)
"""The engines that were recorded before the kinds of ``NOT_ASKED`` were there; one that is recorded anew goes off."""

NOT_ASKED: dict[str, str] = {
    **dict.fromkeys(
        (
            *(
                "twice-a-directory",
                "twice-a-directory-with-and-without-slash",
                "twice-a-symlink",
                "twice-a-file-beside",
            ),
            *("twice-an-empty-file", "twice-a-file-then-a-directory", "twice-a-directory-then-a-file"),
            *("twice-a-file-then-a-link-to-it", "twice-a-whiteout", "twice-by-two-names-of-a-directory"),
        ),
        "asked of Docker 20.10 and Podman 4.3 only: no recording of a newer one has a name that its layer holds twice in"
        " these forms",
    ),
    **dict.fromkeys(
        ("the-root-a-symlink", "the-root-a-file", "the-root-by-dots"),
        "asked of Docker 20.10 and Podman 4.3 only: newer ones were not seen with a root of these forms",
    ),
    **dict.fromkeys(
        ("dev-is-a-link", "sys-is-a-file", "sys-is-a-link", "proc-is-a-file"),
        "asked of Docker 20.10 and Podman 4.3 only: newer ones were not seen with these mount points",
    ),
    **dict.fromkeys(
        ("tar-cut-in-its-last-padding", "tar-cut-in-the-header-of-a-second"),
        "asked of Docker 20.10 and Podman 4.3 only: newer ones were not seen with archives cut there",
    ),
}
"""The kinds of which the recordings of the engines of ``NOT_ASKED_OF`` say nothing yet, each with why."""

PENDING_ON_NEWER: dict[str, str] = {}
"""The kinds that the newer Docker of a test run was seen to contradict, while its recording does not have them."""

PENDING_WHEN_RUN: dict[str, str] = {
    "index-two-without-platform": "an index without platforms tells nobody which image a container was made from, so that"
    " only what its runtime said of it is known",
}
"""The kinds that are judged otherwise once a newer Docker has run them."""

PENDING: dict[str, str] = {}
