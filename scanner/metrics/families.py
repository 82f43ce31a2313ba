"""Every metric family archscan exposes."""

from __future__ import annotations

from scanner.metrics.family import Family

_FINDING = ("host", "workload", "image", "status", "reason", "stage")

# ---------------------------------------------------------------- the fleet: rebuilt from each published report

HOST_UP = Family(
    "archscan_host_up", "gauge", "1 if the last scan read this host, 0 if it could not (archscan_host_failure says why).", ("host",)
)  # fmt: skip
HOST_INFO = Family(
    "archscan_host_info",
    "info",
    "What a host is; always 1, for joins. engine is the first that answered, cpu_level what its CPU can do, empty where it did not say.",
    ("host", "platform", "kernel_machine", "engine", "engine_version", "cpu_level"),
    "the host was not read",
)
HOST_PROBE = Family(
    "archscan_host_probe_info",
    "info",
    "Which probe a host answered with: the version of its answer, the SHA-256 of its script, empty where it was not told; always 1, for joins.",
    ("host", "version", "sha256"),
    "the host was not read",
)
HOST_LABELS = Family(
    "archscan_host_labels",
    "gauge",
    "The labels that the inventory gives a host, each as label_NAME (label_team); always 1, for joins.",
    ("host",),
)
HOST_LAST_SUCCESS = Family(
    "archscan_host_last_success_timestamp_seconds",
    "gauge",
    "When a host was last read, as Unix time; time() minus this is the age of what is known of it.",
    ("host",),
    "the host was never read",
)
HOST_FAILURE = Family(
    "archscan_host_failure", "gauge", "1 for each host that could not be read, with the reason.", ("host", "reason"), "the host was read"
)  # fmt: skip
HOST_ARCHITECTURE_CHANGED = Family(
    "archscan_host_architecture_changed_timestamp_seconds",
    "gauge",
    "When a host first answered with another platform than before, as Unix time: the machine behind the name was replaced.",
    ("host",),
    "it never changed",
)
WORKLOADS = Family(
    "archscan_workloads", "gauge", "Workloads of a host by verdict; sum without (host, stage) to count the fleet.", ("host", "status", "stage"), "there are none"
)  # fmt: skip
WORKLOADS_INCOMPLETE = Family(
    "archscan_workloads_incomplete",
    "gauge",
    "Workloads of a host whose verdict is unknown since a scan did not learn what it should have; a workload's own riddles and pending surveys do not count.",
    ("host",),
    "everything was learnt",
)
WORKLOADS_OFFERING = Family(
    "archscan_workloads_offering",
    "gauge",
    "Workloads on hosts of host_platform whose image offers platform, as its metadata says: what could move to such hosts.",
    ("host_platform", "platform"),
    "no image offers it, or no host of the fleet has it and it is neither linux/amd64 nor linux/arm64",
)
FINDING = Family(
    "archscan_finding",
    "gauge",
    "1 for each workload that is not ok. mismatch or broken: it will not start; unknown: not enough evidence to say so.",
    _FINDING,
    "the workload is ok, or beyond the limit (archscan_findings_dropped)",
)
FINDING_FIRST_SEEN = Family(
    "archscan_finding_first_seen_timestamp_seconds",
    "gauge",
    "Since when this verdict has stood, as Unix time, over restarts of archscan.",
    _FINDING,
    "as archscan_finding",
)
FINDING_WAIVED_UNTIL = Family(
    "archscan_finding_waived_until_timestamp_seconds",
    "gauge",
    "Until when somebody answers for this finding, as Unix time; alerts leave it out until then.",
    _FINDING,
    "nobody waived it",
)
FINDING_CRASHED = Family(
    "archscan_finding_crashed_timestamp_seconds",
    "gauge",
    "When a container that runs or is being restarted last ended, as Unix time: what crashed lately is down now.",
    _FINDING,
    "it never ended, it is planned or stopped, or nobody told",
)
FINDING_FIX = Family(
    "archscan_finding_fix_info",
    "info",
    "What mends a finding, in words then as commands, a line each, beside the repository and commit that the image itself "
    "says it was built from; always 1. Read it in an annotation, join it to nothing.",
    (*_FINDING, "fix", "commands", "repository", "revision"),
    "as archscan_finding",
)
FINDING_OWNER = Family(
    "archscan_finding_owner_info",
    "info",
    "Whose a finding is: the team that owners of the settings name, else the label team of its host; always 1, for joins.",
    (*_FINDING, "team"),
    "nobody is named, or as archscan_finding",
)
FINDINGS_DROPPED = Family(
    "archscan_findings_dropped",
    "gauge",
    "Findings without a series of their own because there are more than metrics.max_findings; the API lists all of them.",
)
IMAGE_PLATFORM_INFO = Family(
    "archscan_image_platform_info",
    "info",
    "1 for each platform that an image offers; always 1, for joins.",
    ("image", "platform"),
    "the image has no finding",
)
SCAN_LAST_SUCCESS = Family(
    "archscan_scan_last_success_timestamp_seconds",
    "gauge",
    "When the last complete scan of the fleet ended, as Unix time, 0 before the first: everything above is as old as this.",
)
SCAN_DURATION = Family(
    "archscan_scan_duration_seconds",
    "gauge",
    "How long the last complete scan of the fleet took.",
    unless="there was none yet",
)

FLEET = (
    HOST_UP, HOST_INFO, HOST_PROBE, HOST_LABELS, HOST_LAST_SUCCESS, HOST_FAILURE, HOST_ARCHITECTURE_CHANGED, WORKLOADS, WORKLOADS_INCOMPLETE,
    WORKLOADS_OFFERING, FINDING,
    FINDING_FIRST_SEEN, FINDING_WAIVED_UNTIL, FINDING_CRASHED, FINDING_FIX, FINDING_OWNER, FINDINGS_DROPPED, IMAGE_PLATFORM_INFO, SCAN_LAST_SUCCESS, SCAN_DURATION,
)  # fmt: skip

# ---------------------------------------------------------------- archscan itself

SCAN_INTERVAL = Family(
    "archscan_scan_interval_seconds", "gauge", "How often the fleet is to be scanned; a report older than twice this is overdue."
)  # fmt: skip
SCAN_FIRST_SUCCESS = Family(
    "archscan_scan_first_success_timestamp_seconds",
    "gauge",
    "When the first complete scan ended that the store remembers, as Unix time: what was found by then was there before archscan.",
    unless="there was none yet",
)
SCANS = Family("archscan_scans_total", "counter", "Scans that ended, whether they were complete or not.")
SCANS_FAILED = Family("archscan_scans_failed_total", "counter", "Scans that ended without a complete report.")
SCANS_SKIPPED = Family(
    "archscan_scans_skipped_total",
    "counter",
    "Scheduled scans that did not start, because the one before was still running or the clock jumped.",
)
REGISTRY_REQUESTS = Family(
    "archscan_registry_requests_total",
    "counter",
    "Requests to registries by HTTP status, error where there was no answer. Registries that are not configured count as other.",
    ("registry", "code"),
    "none was made",
)
REGISTRY_DURATION = Family(
    "archscan_registry_request_duration_seconds",
    "histogram",
    "How long registries take to answer.",
    ("registry",),
    "none was asked",
    (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
REGISTRY_RATE_LIMIT = Family(
    "archscan_registry_rate_limit_remaining",
    "gauge",
    "Pulls that a registry still grants us, as its last answer said; at 0 images become unknown.",
    ("registry",),
    "the registry does not say",
)
GATE_DECISIONS = Family(
    "archscan_gate_decisions_total", "counter", "Answers of the deploy gate: allow, warn, deny or hold.", ("decision",)
)
GATE_OVERRIDDEN = Family(
    "archscan_gate_overridden_total",
    "counter",
    "Answers of the deploy gate that would have been deny or hold without an override.",
)
GATE_FAILED_OPEN = Family(
    "archscan_gate_failed_open_total",
    "counter",
    "Pods that were admitted although the gate could not judge their images: admission fails open, unless a namespace asks otherwise.",
)
GATE_OVERRIDE = Family(
    "archscan_gate_override_until_timestamp_seconds",
    "gauge",
    "Until when somebody answers for deployments against the gate, as Unix time.",
    ("id", "owner", "image", "host"),
    "no override is in force",
)
ROLLBACKS = Family(
    "archscan_rollbacks_total",
    "counter",
    "Rollbacks that ended: done, undone (put back), refused (untouched), unproved (the agent says that it ended, no scan has seen it).",
    ("outcome",),
)
ROLLBACKS_PENDING = Family(
    "archscan_rollbacks_pending", "gauge", "Rollbacks that were confirmed and have not ended: a host may be in the midst of one."
)  # fmt: skip
INVENTORY_HOSTS = Family(
    "archscan_inventory_hosts",
    "gauge",
    "Hosts that the inventory in force names: read, not_understood (see archscan_host_failure), or skipped because their own inventory says that they are no Linux reached by SSH.",
    ("state",),
)
SURVEYS_PENDING = Family(
    "archscan_surveys_pending",
    "gauge",
    "Images of which all files are still to be read, because a script in them decides at run time what it starts, or because another CPU's image shares their layers.",
)
SURVEY_BYTES = Family(
    "archscan_survey_bytes_total", "counter", "Bytes of layers, as registries store them, that were read to the end for surveys."
)  # fmt: skip
CLUSTER_WORKERS = Family(
    "archscan_cluster_workers",
    "gauge",
    "Workers of the cluster as of the last scan: reading hosts, or refused because they are of another version.",
    ("state",),
    "there is no cluster",
)
CLUSTER_LOST = Family(
    "archscan_cluster_workers_lost_total",
    "counter",
    "Times that a worker was lost while it read hosts, which others then read.",
    unless="there is no cluster",
)
CLUSTER_READINGS = Family(
    "archscan_cluster_readings_total",
    "counter",
    "Hosts that workers were sent: told of, or repeated because their worker was lost.",
    ("state",),
    "there is no cluster",
)
CREDENTIAL_EXPIRY = Family(
    "archscan_credential_expiry_timestamp_seconds",
    "gauge",
    "When a certificate or token that archscan uses expires, as Unix time.",
    ("credential",),
    "it has no end",
)
LEADER = Family(
    "archscan_leader",
    "gauge",
    "1 if this archscan scans and writes; 0 if it follows another one, which then shows the fleet.",
)
STORE_ERRORS = Family(
    "archscan_store_errors_total", "counter", "Reports or records that could not be stored; the gate holds until one is stored again."
)  # fmt: skip
TRAIL_SIZE = Family(
    "archscan_trail_size",
    "gauge",
    "Entries of the trail that its last checkpoint has signed; it never shrinks, unless somebody put an older copy in its place.",
    ("origin",),
    "there is no trail",
)
TRAIL_ROOT = Family(
    "archscan_trail_root",
    "gauge",
    "The root hash over archscan_trail_size entries, 48 bits a word, so that Prometheus bears witness (archscan trail verify --against-prometheus).",
    ("origin", "word"),
    "there is no trail",
)
TRAIL_CHECKPOINT = Family(
    "archscan_trail_checkpoint_timestamp_seconds",
    "gauge",
    "When the trail's head was last signed, as Unix time.",
    ("origin",),
    "there is no trail",
)
TRAIL_FAILING = Family(
    "archscan_trail_failing",
    "gauge",
    "1 while nothing can be written to the trail: the gate holds, scans go on.",
    unless="there is no trail",
)
TRAIL_ERRORS = Family(
    "archscan_trail_errors_total",
    "counter",
    "Times that entries could not be written to the trail.",
    unless="there is no trail",
)
TRAIL_WITNESSED = Family(
    "archscan_trail_witnessed_size",
    "gauge",
    "Entries of the trail that a witness has last cosigned.",
    ("witness",),
    "the witness has cosigned nothing since archscan started",
)
TRAIL_WITNESS_ERRORS = Family(
    "archscan_trail_witness_errors_total",
    "counter",
    "Times that a witness gave no cosignature.",
    ("witness",),
    "it always did",
)
INTERNAL_ERRORS = Family(
    "archscan_internal_errors_total", "counter", "Bugs that the last net caught; each left something unknown, please report it."
)  # fmt: skip
HTTP_REQUESTS = Family(
    "archscan_http_requests_total",
    "counter",
    "Requests to archscan by route, none where no route matched.",
    ("route", "code"),
    "none was made",
)
LOOP_LAG = Family(
    "archscan_event_loop_lag_seconds",
    "histogram",
    "How late the event loop is; above 0.25 s the machine is too small or something blocks.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0),
)
BUILD_INFO = Family("archscan_build_info", "info", "Which archscan this is; always 1.", ("version", "python_version"))
PROBE_SCRIPT = Family(
    "archscan_probe_script_info",
    "info",
    "The probe that this archscan would send, by which archscan_host_probe_info shows drift; always 1, for joins.",
    ("version", "sha256"),
)
CONFIG_SUCCESSFUL = Family(
    "archscan_config_last_reload_successful",
    "gauge",
    "1 if the configuration file was accepted when last read; at 0 the one before it is in force.",
)
CONFIG_SUCCESS_TIME = Family(
    "archscan_config_last_reload_success_timestamp_seconds",
    "gauge",
    "When the configuration in force was read, as Unix time.",
)

OURSELVES = (
    SCAN_INTERVAL, SCAN_FIRST_SUCCESS, SCANS, SCANS_FAILED, SCANS_SKIPPED, REGISTRY_REQUESTS, REGISTRY_DURATION, REGISTRY_RATE_LIMIT,
    GATE_DECISIONS, GATE_OVERRIDDEN, GATE_FAILED_OPEN, GATE_OVERRIDE,
    ROLLBACKS,
    ROLLBACKS_PENDING, INVENTORY_HOSTS, SURVEYS_PENDING, SURVEY_BYTES,
    CLUSTER_WORKERS, CLUSTER_LOST, CLUSTER_READINGS, CREDENTIAL_EXPIRY, LEADER, STORE_ERRORS, TRAIL_SIZE, TRAIL_ROOT,
    TRAIL_CHECKPOINT, TRAIL_FAILING, TRAIL_ERRORS, TRAIL_WITNESSED, TRAIL_WITNESS_ERRORS, INTERNAL_ERRORS, HTTP_REQUESTS,
    LOOP_LAG, BUILD_INFO, PROBE_SCRIPT, CONFIG_SUCCESSFUL, CONFIG_SUCCESS_TIME,
)  # fmt: skip

# ---------------------------------------------------------------- one probe

PROBE_SUCCESS = Family(
    "archscan_probe_success", "gauge", "1 if /probe read its target before the scrape timed out, 0 if it could not."
)
PROBE_DURATION = Family("archscan_probe_duration_seconds", "gauge", "How long /probe took.")

PROBE = (PROBE_SUCCESS, PROBE_DURATION)
