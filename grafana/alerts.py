"""Writes the alert rules in the forms that Grafana and the Prometheus Operator read: ``python -m grafana.alerts``.

The one source is ``config/prometheus/rules/archscan.yml``. Grafana has no recording rules of its own here, so each
recorded series is replaced by what it records.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from scanner.metrics.families import FINDING

ROOT = Path(__file__).parent.parent
RULES = ROOT / "config" / "prometheus" / "rules" / "archscan.yml"
MANIFEST = ROOT / "config" / "prometheus" / "prometheusrule.yaml"
PROVISIONED = ROOT / "grafana" / "provisioning" / "alerting" / "archscan.yml"

DATASOURCE = "archscan-prometheus"
"""As ``provisioning/datasources/archscan.yml`` names it."""

LOOK_BACK_S = 600
"""Grafana wants a range even for instant queries; it is not used."""

Document = dict[str, Any]

_SOURCE = "Made from config/prometheus/rules/archscan.yml by: python -m grafana.alerts"
_RECORDED = re.compile(r"\b(archscan:\w+:\w+)(\{[^}]*\})?")
_FINDING = re.compile(rf"\b{FINDING.name}\b(?:\{{([^}}]*)\}})?")


def rules() -> Document:
    """The source."""
    return dict(yaml.safe_load(RULES.read_text(encoding="utf-8")))


# ---------------------------------------------------------------- the Prometheus Operator


def manifest() -> Document:
    """A PrometheusRule; its labels are those that kube-prometheus' Prometheus selects by."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "archscan", "labels": {"app.kubernetes.io/name": "archscan", "prometheus": "k8s", "role": "alert-rules"}},
        "spec": rules(),
    }  # fmt: skip


# ---------------------------------------------------------------- Grafana


def provisioned() -> Document:
    """Grafana-managed alert rules: the same groups without what they record."""
    groups = rules()["groups"]
    recorded = [rule for group in groups for rule in group["rules"] if "record" in rule]
    alerting = {group["name"]: [rule for rule in group["rules"] if "alert" in rule] for group in groups}
    return {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": name,
                "folder": "archscan",
                "interval": "1m",
                "rules": [_rule(rule, recorded) for rule in alerts],
            }
            for name, alerts in alerting.items()
            if alerts
        ],
    }


def _rule(rule: Document, recorded: list[Document]) -> Document:
    return {
        "uid": rule["alert"].lower(),
        "title": rule["alert"],
        "condition": "firing",
        "data": [_query(expanded(rule["expr"], recorded)), _FIRING],
        "for": rule["for"],
        "noDataState": "OK",  # as in Prometheus: no series, no alert
        "execErrState": "Error",
        "labels": {name: _literal(value) for name, value in rule["labels"].items()},
        "annotations": {name: _annotation(text) for name, text in rule["annotations"].items()},
        "isPaused": False,
    }


def _query(expr: str) -> Document:
    source = {"type": "prometheus", "uid": DATASOURCE}
    model = {"refId": "found", "expr": expr, "instant": True, "range": False, "datasource": source}
    return {
        "refId": "found",
        "relativeTimeRange": {"from": LOOK_BACK_S, "to": 0},
        "datasourceUid": DATASOURCE,
        "model": model,
    }


_FIRING: Document = {
    "refId": "firing",
    "datasourceUid": "__expr__",
    "model": {
        "refId": "firing",
        "type": "math",
        # Prometheus alerts on each series that is there, even one of value 0 (up == 0); Grafana on values other than 0
        "expression": "is_number(${found})",
        "datasource": {"type": "__expr__", "uid": "__expr__"},
    },
}


def expanded(expr: str, recorded: list[Document]) -> str:
    """The expression with each recorded series replaced by its own expression, until none is left."""
    while found := _RECORDED.search(expr):
        expr = f"{expr[: found.start()]}({_records(found[1], found[2] or '', recorded)}){expr[found.end() :]}"
    return expr


def _records(name: str, matchers: str, recorded: list[Document]) -> str:
    return " or ".join(_with(rule, matchers, recorded) for rule in recorded if rule["record"] == name)


def _with(rule: Document, matchers: str, recorded: list[Document]) -> str:
    expr = expanded(rule["expr"], recorded)
    for label, value in rule.get("labels", {}).items():
        expr = f'label_replace ({expr}, "{label}", "{value}", "", "")'
    if not matchers:
        return expr
    pushed = _pushed_down(matchers).strip("{}")
    return _FINDING.sub(lambda found: f"{FINDING.name}{{{', '.join(filter(None, [found[1], pushed]))}}}", expr)


def _pushed_down(matchers: str) -> str:
    """Matchers of a recorded series that its source takes as well: findings keep their labels all the way."""
    foreign = set(re.findall(r"(\w+)\s*[=!]", matchers)) - set(FINDING.labels)
    if foreign:
        raise ValueError(f"findings have no labels {sorted(foreign)} before they are recorded")
    return matchers


def _annotation(text: str) -> str:
    """Grafana's ``$value`` is a sentence about all queries; its dashboards are where it is itself."""
    here = text.replace("https://grafana.example/", "{{ externalURL }}")
    return re.sub(r"\$value\b", "$values.found.Value", here)


def _literal(text: str) -> str:
    """Provisioning replaces ``$NAME`` by the environment in labels (neither in annotations nor in queries): ``$$`` is a dollar."""
    return text.replace("$", "$$")


# ---------------------------------------------------------------- files


class _Plain(yaml.SafeDumper):
    """Without anchors: not every reader of YAML follows them (jsonnet's does not)."""

    def ignore_aliases(self, data: object) -> bool:
        """Write everything out."""
        del data
        return True


def written(document: Document) -> str:
    """The text of a file."""
    text = yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=1_000_000)
    return f"# {_SOURCE}\n{text}"


FILES = {MANIFEST: manifest, PROVISIONED: provisioned}


def main() -> None:
    """Write both."""
    for path, made in FILES.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(made()), encoding="utf-8")


if __name__ == "__main__":
    main()
