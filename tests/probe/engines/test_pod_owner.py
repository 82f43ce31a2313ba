import pytest

from scanner.probe.answer import parse
from scanner.probe.engines.pod_owner import labels_of_pods, owner_of


@pytest.mark.parametrize(
    ("pod", "labels", "owner"),
    [
        ("web-7d4b9c6f5-x2x8z", {"pod-template-hash": "7d4b9c6f5"}, "web"),
        ("my-web-7d4b9c6f5-x2x8z", {"pod-template-hash": "7d4b9c6f5", "controller-revision-hash": "x"}, "my-web"),
        ("shop-6c8f-abcde", {"rollouts-pod-template-hash": "6c8f"}, "shop"),
        ("db-0", {"statefulset.kubernetes.io/pod-name": "db-0", "controller-revision-hash": "db-5d8"}, "db"),
        ("db-12", {"statefulset.kubernetes.io/pod-name": "db-12"}, "db"),
        ("agent-x2x8z", {"controller-revision-hash": "5f7d", "pod-template-generation": "1"}, "agent"),
        ("backup-29405100-x2x8z", {"batch.kubernetes.io/job-name": "backup-29405100"}, "backup"),
        ("backup-29405100-x2x8z", {"job-name": "backup-29405100"}, "backup"),
        ("migrate-x2x8z", {"job-name": "migrate"}, "migrate"),
        ("load-20261126-x2x8z", {"job-name": "load-20261126"}, "load-20261126"),
        ("load-0-x2x8z", {"job-name": "load"}, "load"),
        # nothing is guessed away: a name that its labels do not explain is the pod's
        ("web-7d4b9c6f5-x2x8z", {}, "web-7d4b9c6f5-x2x8z"),
        ("web-7d4b9c6f5-x2x8z", {"pod-template-hash": "other"}, "web-7d4b9c6f5-x2x8z"),
        ("etcd-node-1", {}, "etcd-node-1"),
        ("db-0", {"statefulset.kubernetes.io/pod-name": "other-0"}, "db-0"),
    ],
)
def test_a_pod_is_called_after_what_made_it(pod, labels, owner):
    assert owner_of(pod, labels) == owner


def test_a_node_that_was_not_asked_for_pods_or_did_not_answer_has_pods_without_labels():
    assert labels_of_pods(parse(b"archscan-probe 1\n@end\n")) == {}
    failed = b"time=x level=fatal\n@exit 1"
    assert labels_of_pods(parse(b"archscan-probe 2\n@section cri/pods %d\n%s\n@end\n" % (len(failed), failed))) == {}


def test_lines_that_are_no_label_are_passed_over():
    body = b"aaaa job-name migrate\naaaa job-name two words\n\nbbbb\naaaa pod-template-hash 7d"
    found = labels_of_pods(parse(b"archscan-probe 2\n@section cri/pods %d\n%s\n@end\n" % (len(body), body)))
    assert found == {"aaaa": {"job-name": "migrate", "pod-template-hash": "7d"}}
