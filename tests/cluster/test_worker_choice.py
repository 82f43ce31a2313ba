from collections import Counter

from scanner.cluster.worker_choice import chosen, version_resource, zone_resource

HOSTS = [f"host-{number}" for number in range(2000)]
WORKERS = [f"tls://10.0.0.{number}:7000" for number in range(1, 6)]


def test_hosts_are_shared_out_evenly():
    found = Counter(chosen(host, WORKERS) for host in HOSTS)
    assert set(found) == set(WORKERS)
    assert max(found.values()) < 1.3 * min(found.values())


def test_only_the_hosts_of_a_worker_that_leaves_move():
    left = WORKERS[:-1]
    moved = [host for host in HOSTS if chosen(host, left) != chosen(host, WORKERS)]
    assert moved == [host for host in HOSTS if chosen(host, WORKERS) == WORKERS[-1]]


def test_the_order_in_which_workers_are_told_of_does_not_matter():
    assert [chosen(host, WORKERS) for host in HOSTS] == [chosen(host, WORKERS[::-1]) for host in HOSTS]


def test_no_zone_is_called_like_none():
    assert len({zone_resource(""), zone_resource("open"), zone_resource("zone open"), version_resource("open")}) == 4
