"""The dashboard of archscan itself: whether it scans, how fast, what its registries, its gate, its store say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana import expressions as q
from grafana import frame, links
from grafana.frame import Section, line
from grafana.panels import Query, above, column, from_one, grid, number, trend, word
from grafana.status import BAD, COLOUR, words
from scanner.domain.verdict.reason import Status

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Dashboard

_ONE = 'job=~"$job", instance=~"$instance"'
_WINDOW = "[$__rate_interval]"
STALE_AFTER_S = 900.0
"""Three times the interval that archscan has by default, as the alert ArchscanScanStale has it."""
SLOW_LOOP_S = 0.25
"""Above this the machine is too small or something blocks."""
FEW_PULLS = 20
"""Below this the alert ArchscanRegistryRateLimitLow fires."""
WEEK_S = 604_800
"""Below this the alert ArchscanCredentialExpiring fires."""
NOT_YET = "Not yet"


def scanner(archscan: str) -> Dashboard:
    """The dashboard; ``archscan`` is the address of archscan's web page as browsers reach it."""
    return frame.dashboard(
        links.SCANNER,
        "archscan / Scanner",
        "Whether archscan itself is well: a scanner that is not there finds nothing.",
        variables=(
            frame.datasource(),
            frame.page_address(archscan),
            frame.any_of("job", "Job", "label_values(archscan_build_info, job)"),
            frame.any_of("instance", "Instance", 'label_values(archscan_build_info{job=~"$job"}, instance)'),
        ),
        annotations=(frame.scans(enable=True), frame.reloads()),
        sections=(_glance(), _scans(), _registries(), _gate(), _trail(), _process()),
    )


def _glance() -> Section:
    up = number(
        "Scraped", "Whether Prometheus reaches archscan.", Query(f"min (up{{{_ONE}}})"), empty="No such job"
    ).mappings(words({"1": ("yes", COLOUR[Status.OK]), "0": ("no", BAD)}))
    version = word(
        "Version", "Which archscan this is.", Query(f"archscan_build_info{{{_ONE}}}", "{{version}}"), empty="unknown"
    )
    age = number(
        "Last complete scan",
        "Three intervals without one is the alert ArchscanScanStale.",
        Query(f"time () - max (archscan_scan_last_success_timestamp_seconds{{{_ONE}}} > 0)"),
        unit="s",
        thresholds=above(STALE_AFTER_S),
        empty=NOT_YET,
    )
    first = number(
        "First complete scan",
        "What was found by then was there before archscan: it is in the message ArchscanFirstScan.",
        Query(f"min (archscan_scan_first_success_timestamp_seconds{{{_ONE}}}) * 1000"),
        unit="dateTimeFromNow",
        empty=NOT_YET,
    )
    config = number(
        "Configuration",
        "Whether the configuration file was accepted when last read; otherwise the one before it is in force.",
        Query(f"min (archscan_config_last_reload_successful{{{_ONE}}})"),
        empty="unknown",
    ).mappings(words({"1": ("accepted", COLOUR[Status.OK]), "0": ("refused", BAD)}))
    store = number(
        "Not stored",
        "Reports or records that could not be stored in this time; the gate holds until one is.",
        Query(q.or_zero(f"sum (increase (archscan_store_errors_total{{{_ONE}}}[$__range]))")),
        thresholds=from_one(BAD),
    ).decimals(0)
    bugs = number(
        "Bugs",
        "What the last net caught in this time; each left something unknown, please report it.",
        Query(q.or_zero(f"sum (increase (archscan_internal_errors_total{{{_ONE}}}[$__range]))")),
        thresholds=from_one(BAD),
    ).decimals(0)
    leader = number(
        "Leader",
        "Whether this archscan scans and writes, or follows another one on the same database.",
        Query(f"max (archscan_leader{{{_ONE}}})"),
        empty="unknown",
    ).mappings(words({"1": ("leads", COLOUR[Status.OK]), "0": ("follows", COLOUR[Status.OK])}))
    return Section(
        "At a glance",
        (line(4, (2, up), (3, version), (4, age), (4, first), (3, config), (2, leader), (3, store), (3, bugs)),),
    )


def _trail() -> Section:
    failing = number(
        "Trail",
        "Whether decisions can be written to the trail; the gate holds while they cannot.",
        Query(f"max (archscan_trail_failing{{{_ONE}}})"),
        empty="no trail",
    ).mappings(words({"0": ("written", COLOUR[Status.OK]), "1": ("failing", BAD)}))
    lost = number(
        "Not told",
        "Times in this period that the trail could not be told something; it says so itself afterwards.",
        Query(q.or_zero(f"sum (increase (archscan_trail_errors_total{{{_ONE}}}[$__range]))")),
        thresholds=from_one(BAD),
    ).decimals(0)
    signed = number(
        "Last signed",
        "How long ago the trail's head was last signed.",
        Query(f"time () - max (archscan_trail_checkpoint_timestamp_seconds{{{_ONE}}})"),
        unit="s",
        empty="no trail",
    )
    entries = trend(
        "Entries",
        "They never become fewer: that would be the alert ArchscanTrailShrunk. Beside them, how far each witness has come.",
        Query(f"archscan_trail_size{{{_ONE}}}", "{{origin}}"),
        Query(f"archscan_trail_witnessed_size{{{_ONE}}}", "{{witness}}"),
        empty="no trail",
    )
    refused = trend(
        "Witnesses that did not cosign",
        "Times that a witness gave no cosignature.",
        Query(f"sum by (witness) (increase (archscan_trail_witness_errors_total{{{_ONE}}}{_WINDOW}))", "{{witness}}"),
        empty="All did",
    )
    root = trend(
        "Root, word by word",
        "What archscan trail verify --against-prometheus compares with: any change of the past changes all of it.",
        Query(f"archscan_trail_root{{{_ONE}}}", "{{word}}"),
        empty="no trail",
    )
    return Section(
        "Trail",
        (line(4, (8, failing), (8, lost), (8, signed)), line(8, (8, entries), (8, refused), (8, root))),
    )


def _scans() -> Section:
    duration = trend(
        "How long a scan takes",
        "Above the interval, scans are skipped.",
        Query(f"archscan_scan_duration_seconds{{{_ONE}}}", "scan {{instance}}"),
        Query(f"max (archscan_scan_interval_seconds{{{_ONE}}})", "interval"),
        unit="s",
    )
    ended = trend(
        "Scans",
        "Ended, ended incomplete, not started because the one before still ran.",
        Query(f"sum (increase (archscan_scans_total{{{_ONE}}}{_WINDOW}))", "ended"),
        Query(f"sum (increase (archscan_scans_failed_total{{{_ONE}}}{_WINDOW}))", "incomplete"),
        Query(f"sum (increase (archscan_scans_skipped_total{{{_ONE}}}{_WINDOW}))", "skipped"),
    )
    coverage = trend(
        "How much is known",
        "The share of hosts that were read, of workloads that are not unknown.",
        Query(f"avg (archscan_host_up{{{_ONE}}})", "hosts"),
        Query(
            f"1 - (sum (archscan_workloads_incomplete{{{_ONE}}}) or vector (0)) / sum (archscan_workloads{{{_ONE}}})",
            "workloads",
        ),
        unit="percentunit",
    ).max(1)
    return Section("Scans", (line(8, (8, duration), (8, ended), (8, coverage)),))


def _registries() -> Section:
    requests = trend(
        "Requests to registries",
        "By registry with HTTP status; error where there was no answer.",
        Query(
            f"sum by (registry, code) (rate (archscan_registry_requests_total{{{_ONE}}}{_WINDOW}))",
            "{{registry}} {{code}}",
        ),
        unit="reqps",
        empty="No registry was asked",
    )
    latency = trend(
        "How long registries take",
        "95 of 100 requests are answered faster than this.",
        Query(
            f"histogram_quantile (0.95, sum by (registry, le) (rate (archscan_registry_request_duration_seconds_bucket{{{_ONE}}}{_WINDOW})))",
            "{{registry}}",
        ),
        unit="s",
        empty="No registry was asked",
    )
    left = number(
        "Pulls left",
        "What registries still grant us; at 0 their images become unknown.",
        Query(f"min by (registry) (archscan_registry_rate_limit_remaining{{{_ONE}}})", "{{registry}}"),
        thresholds=above(FEW_PULLS, good_below=False),
        empty="No registry has told a limit",
    )
    ends = grid(
        "Credentials that end",
        "Certificates or tokens archscan uses; after that, what they open is unknown.",
        (Query(f"min by (credential) (archscan_credential_expiry_timestamp_seconds{{{_ONE}}}) - time ()"),),
        (
            column("credential"),
            column(
                "Value",
                "left",
                unit="dtdurations",
                thresholds=above(WEEK_S, good_below=False).build(),
                color={"mode": "thresholds"},
                custom__cellOptions={"type": "color-text"},
            ),
        ),
        empty="None has an end",
    )
    return Section("Registries", (line(8, (8, requests), (6, latency), (4, left), (6, ends)),))


def _gate() -> Section:
    decisions = trend(
        "Answers of the deploy gate",
        "How often it said allow, warn, deny, hold.",
        Query(f"sum by (decision) (increase (archscan_gate_decisions_total{{{_ONE}}}{_WINDOW}))", "{{decision}}"),
    )
    requests = trend(
        "Requests to archscan",
        "By route with HTTP status.",
        Query(f"sum by (route, code) (rate (archscan_http_requests_total{{{_ONE}}}{_WINDOW}))", "{{route}} {{code}}"),
        unit="reqps",
        empty="No request yet",
    )
    surveys = trend(
        "Surveys",
        "Images whose files are still to be read, with the bytes of layers read for them in a second.",
        Query(f"sum (archscan_surveys_pending{{{_ONE}}})", "waiting"),
        Query(f"sum (rate (archscan_survey_bytes_total{{{_ONE}}}{_WINDOW}))", "bytes a second"),
        empty="No survey yet",
    )
    workers = trend(
        "Workers of the cluster",
        "How many read hosts, or are refused since they run another archscan; one that is lost has its hosts read by others.",
        Query(f"max by (state) (archscan_cluster_workers{{{_ONE}}})", "{{state}}"),
        Query(f"sum (increase (archscan_cluster_workers_lost_total{{{_ONE}}}{_WINDOW}))", "lost"),
        Query(
            f"sum by (state) (rate (archscan_cluster_readings_total{{{_ONE}}}{_WINDOW}))", "hosts {{state}} a second"
        ),
        empty="No cluster",
    )
    inventory = trend(
        "Hosts of the inventory",
        "How many are read, cannot be understood, or are skipped since their own inventory says that they are no Linux reached by SSH.",
        Query(f"max by (state) (archscan_inventory_hosts{{{_ONE}}})", "{{state}}"),
    )
    against = trend(
        "Past the gate",
        "Answers that an override turned, and pods that were admitted because nobody could judge their images.",
        Query(f"sum (increase (archscan_gate_overridden_total{{{_ONE}}}{_WINDOW}))", "overridden"),
        Query(f"sum (increase (archscan_gate_failed_open_total{{{_ONE}}}{_WINDOW}))", "admitted unjudged"),
        empty="Nothing went past it",
    )
    overrides = grid(
        "Overrides in force",
        "Who answers for which deployments against the gate, until when.",
        (Query(f"archscan_gate_override_until_timestamp_seconds{{{_ONE}}} - time ()"),),
        (column("owner"), column("image"), column("host"), column("Value", "left", unit="dtdurations")),
        empty="Nobody answers for any",
    )
    rollbacks = trend(
        "Way back",
        "Rollbacks that ended, by how; those that were confirmed and go on.",
        Query(f"sum by (outcome) (increase (archscan_rollbacks_total{{{_ONE}}}{_WINDOW}))", "{{outcome}}"),
        Query(f"max (archscan_rollbacks_pending{{{_ONE}}})", "under way"),
        empty="No rollback yet",
    )
    probes = trend(
        "Probes of hosts",
        "How many hosts answered with which probe; whatever differs from the one that archscan would send is out of date.",
        Query(f"count by (version, sha256) (archscan_host_probe_info{{{_ONE}}})", "{{version}} {{sha256}}"),
        Query(f"max by (version, sha256) (archscan_probe_script_info{{{_ONE}}})", "would send {{version}} {{sha256}}"),
    )
    return Section(
        "Gate, API, surveys, inventory",
        (
            line(7, (6, decisions), (6, requests), (6, surveys), (6, inventory)),
            line(7, (4, against), (5, overrides), (5, rollbacks), (5, probes), (5, workers)),
        ),
    )


def _process() -> Section:
    lag = trend(
        "How late the event loop is",
        "99 of 100 turns are less late than this; above 0.25 s the machine is too small or something blocks.",
        Query(
            f"histogram_quantile (0.99, sum by (instance, le) (rate (archscan_event_loop_lag_seconds_bucket{{{_ONE}}}{_WINDOW})))",
            "{{instance}}",
        ),
        unit="s",
    ).thresholds(above(SLOW_LOOP_S))
    memory = trend(
        "Memory", "Resident.", Query(f"process_resident_memory_bytes{{{_ONE}}}", "{{instance}}"), unit="bytes"
    )
    cpu = trend(
        "CPU",
        "Cores in use.",
        Query(f"rate (process_cpu_seconds_total{{{_ONE}}}{_WINDOW})", "{{instance}}"),
        unit="short",
    )
    files = trend(
        "Open files",
        "Connections count as files; at the limit archscan reaches no more hosts.",
        Query(f"process_open_fds{{{_ONE}}}", "open {{instance}}"),
        Query(f"process_max_fds{{{_ONE}}}", "limit {{instance}}"),
    )
    return Section("Process", (line(7, (6, lag), (6, memory), (6, cpu), (6, files)),))
