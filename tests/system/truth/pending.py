"""The kinds of images on which a verdict still contradicts an engine, each with what is missing."""

NOT_RECORDED: frozenset[str] = frozenset()
"""The engines whose answers are still to be recorded by `make engines`, which takes a quiet machine some hours."""

NOT_ASKED_OF: frozenset[str] = frozenset()
"""The engines that were recorded before the kinds of ``NOT_ASKED`` were there; one that is recorded anew goes off."""

NOT_ASKED: dict[str, str] = {}
"""The kinds of which the recordings of the engines of ``NOT_ASKED_OF`` say nothing yet, each with why."""

PENDING_ON_NEWER: dict[str, str] = {}
"""The kinds that the newer Docker of a test run was seen to contradict, while its recording does not have them."""

PENDING_WHEN_RUN: dict[str, str] = {
    "index-two-without-platform": "an index without platforms tells nobody which image a container was made from, so that"
    " only what its runtime said of it is known",
}
"""The kinds that are judged otherwise once a newer Docker has run them."""

PENDING: dict[str, str] = {}
