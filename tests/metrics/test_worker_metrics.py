from scanner.metrics.metrics import Metrics


def shown(metrics):
    _, page = metrics.render(None, None)
    return [line for line in page.decode().splitlines() if line.startswith("archscan_cluster")]


def test_nothing_is_told_of_workers_where_there_is_no_cluster():
    assert shown(Metrics("0")) == []


def test_workers_are_counted_by_what_they_may_do_and_what_became_of_them():
    metrics = Metrics("0")
    metrics.workers.workers(3, 1)
    metrics.workers.host_told()
    metrics.workers.worker_lost(7)
    assert shown(metrics) == [
        'archscan_cluster_workers{state="reading"} 3.0',
        'archscan_cluster_workers{state="refused"} 1.0',
        "archscan_cluster_workers_lost_total 1.0",
        'archscan_cluster_readings_total{state="told"} 1.0',
        'archscan_cluster_readings_total{state="repeated"} 7.0',
    ]
