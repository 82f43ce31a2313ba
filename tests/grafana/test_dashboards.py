"""The dashboards as Grafana will read them: their form, their links, their looks."""

import itertools
import json
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import build, frame
from grafana.expressions import HOSTS
from grafana.panels import number
from grafana.status import COLOUR, SHAPE
from scanner.domain.verdict.reason import STATUS_OF, Reason, Status
from scanner.domain.verdict.reason_catalogue import MEANING
from scanner.metrics.families import FLEET, OURSELVES

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "grafana" / "dashboards"
COMMITTED = {path.name: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
RULES = yaml.load((ROOT / "config" / "prometheus" / "rules" / "archscan.yml").read_text(), yaml.CSafeLoader)
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule]
FAMILIES = {family.name: family for family in (*FLEET, *OURSELVES)}
GRAFANAS_OWN = {"__rate_interval", "__range", "__url_time_range", "__data", "__field", "__value"}
OF_ANNOTATIONS = {"titleFormat", "textFormat", "tagKeys", "step", "useValueForTime"}
"""What the Prometheus data source reads from an annotation, left out of the SDK's type."""

each = pytest.mark.parametrize("document", COMMITTED.values(), ids=COMMITTED)


def panels(document):
    return [panel for panel in document["panels"] if panel["type"] != "row"]


def variables(document):
    return {variable["name"]: variable for variable in document["templating"]["list"]}


def targets(document):
    return [target for panel in panels(document) for target in panel["targets"]]


def expressions(document):
    asked = [target["expr"] for target in targets(document)]
    asked += [annotation["expr"] for annotation in document["annotations"]["list"]]
    return asked + [v["query"]["query"] for v in variables(document).values() if v["type"] == "query"]


def data_links(document):
    settings = [o["properties"] for panel in panels(document) for o in panel["fieldConfig"].get("overrides", [])]
    return [link for given in itertools.chain(*settings) if given["id"] == "links" for link in given["value"]]


# ---------------------------------------------------------------- made from the code


def test_the_committed_dashboards_are_what_the_code_makes():
    assert {name: path_text(name) for name in COMMITTED} == {
        name: build.written(document) for name, document in build.dashboards().items()
    }


def path_text(name):
    return (FOLDER / name).read_text()


def test_the_address_of_the_web_page_is_chosen_when_they_are_written(tmp_path):
    build.main(["--archscan", "https://archscan.example/", "--to", str(tmp_path)])
    assert {path.name for path in tmp_path.iterdir()} == set(COMMITTED)
    for path in tmp_path.iterdir():
        assert variables(json.loads(path.read_text()))["archscan"]["query"] == "https://archscan.example"


@each
def test_grafana_s_published_types_know_every_field(document):
    plugins.register_default_plugins()
    ours = json.loads(json.dumps(document))
    for annotation in ours["annotations"]["list"]:
        for word in OF_ANNOTATIONS:
            del annotation[word]
    assert json.loads(JSONEncoder().encode(Dashboard.from_json(ours))) == ours


def test_the_types_would_tell_of_an_unknown_field():
    plugins.register_default_plugins()
    wrong = json.loads(json.dumps(COMMITTED["archscan-fleet.json"]))
    panels(wrong)[0]["options"]["colourMode"] = "value"
    assert json.loads(JSONEncoder().encode(Dashboard.from_json(wrong))) != wrong


# ---------------------------------------------------------------- layout


@each
def test_a_dashboard_is_named_by_its_file(document):
    assert COMMITTED[f"{document['uid']}.json"] is document
    assert "id" not in document
    assert len(document["uid"]) <= 40


@each
def test_panel_ids_are_unique(document):
    ids = [panel["id"] for panel in document["panels"]]
    assert len(ids) == len(set(ids))
    assert all(one > 0 for one in ids)


@each
def test_no_two_panels_overlap_nor_leave_the_grid(document):
    taken = {}
    for panel in document["panels"]:
        place = panel["gridPos"]
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= frame.GRID_COLUMNS
        for cell in itertools.product(
            range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        ):
            assert cell not in taken, f"{panel['title']} covers {taken.get(cell)}"
            taken[cell] = panel["title"]


def test_a_line_that_leaves_a_gap_is_refused():
    with pytest.raises(ValueError, match="24 columns wide, these are 20"):
        frame.line(4, (20, number("a", "b")))


@each
def test_a_panel_explains_itself(document):
    for panel in panels(document):
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]


@each
def test_a_panel_has_its_title_for_itself(document):
    titles = [panel["title"] for panel in panels(document)]
    assert len(titles) == len(set(titles))


@each
def test_an_empty_cell_is_not_filled_with_the_word_for_an_empty_table(document):
    for panel in (one for one in panels(document) if one["type"] == "table"):
        renamed = [t["options"] for t in panel["transformations"] if t["id"] == "organize"]
        said = {o["matcher"]["options"]: {p["id"] for p in o["properties"]} for o in panel["fieldConfig"]["overrides"]}
        for order in renamed:
            for source in order["indexByName"]:
                assert "noValue" in said[order["renameByName"].get(source, source)], panel["title"]


@each
def test_a_reason_has_the_colour_of_its_status(document):
    for panel in (one for one in panels(document) if "by reason" in one["title"].lower() and one["type"] == "bargauge"):
        graded = {}
        for override in panel["fieldConfig"]["overrides"]:
            for reason in re.findall(r"[a-z]\w+", override["matcher"]["options"]):
                graded[reason] = json.dumps(override["properties"])
        assert all(COLOUR[STATUS_OF[reason]] in graded[reason] for reason in Reason), panel["title"]


@each
def test_a_panel_says_something_where_there_is_nothing(document):
    for panel in panels(document):
        assert panel["fieldConfig"]["defaults"]["noValue"], panel["title"]


# ---------------------------------------------------------------- what is asked


@each
def test_the_data_source_is_the_one_chosen_at_the_top(document):
    assert variables(document)["datasource"]["query"] == "prometheus"
    found = re.findall(r'"datasource": (\{"type": "\w+", "uid": "[^"]*"\}|[^{])', json.dumps(document))
    assert set(found) == {'{"type": "prometheus", "uid": "${datasource}"}'}
    assert all("datasource" in target for target in targets(document))


@each
def test_ref_ids_are_unique_within_a_panel(document):
    for panel in panels(document):
        refs = [target["refId"] for target in panel["targets"]]
        assert len(refs) == len(set(refs))
        assert refs, panel["title"]


@each
def test_variables_are_defined_before_they_are_used(document):
    known = set(GRAFANAS_OWN)
    for name, variable in variables(document).items():
        used = set(re.findall(r"\$\{?([a-z_]\w*)", json.dumps(variable.get("query", ""))))
        assert used <= known, f"{name} uses {used - known}"
        known.add(name)
    for text in [*expressions(document), json.dumps(data_links(document)), json.dumps(document["links"])]:
        assert set(re.findall(r"\$\{?([a-z_]\w*)", text)) <= known


@each
def test_queries_name_metrics_and_labels_that_exist(document):
    for expression in expressions(document):
        for name, matchers in re.findall(r"\b(archscan_\w+)(\{[^}]*\})?", expression):
            family = FAMILIES.get(re.sub(r"_(bucket|sum|count)$", "", name))
            assert family, name
            allowed = {*family.labels, "job", "instance", "le"} | ({"label_team"} if "labels" in name else set())
            assert set(re.findall(r'(\w+)\s*(?:=~|!~|=|!=)\s*"', matchers)) <= allowed, f"{name}{matchers}"


def test_every_metric_is_shown_somewhere():
    shown = " ".join(expression for document in COMMITTED.values() for expression in expressions(document))
    assert {name for name in FAMILIES if not re.search(rf"\b{name}(_bucket)?\b", shown)} == set()


@each
def test_queries_need_no_recording_rule(document):
    assert "archscan:" not in json.dumps([expressions(document)])


def test_the_fleet_s_variables_narrow_every_count_of_hosts():
    fleet = COMMITTED["archscan-fleet.json"]
    counted = [t["expr"] for t in targets(fleet) if "archscan_workloads{" in t["expr"] and "on amd64" not in t["expr"]]
    assert sum(HOSTS in expression for expression in counted) >= 9


# ---------------------------------------------------------------- where links lead


def lands(url, where):
    parts = urlsplit(url)
    uid = re.fullmatch(r"/d/([\w-]+)", parts.path)
    assert uid, url
    target = COMMITTED.get(f"{uid[1]}.json")
    assert target, f"{where}: no dashboard {uid[1]}"
    passed = {name.removeprefix("var-") for name, _ in parse_qsl(parts.query) if name.startswith("var-")}
    assert passed <= set(variables(target)), f"{where}: {passed}"


@each
def test_links_to_dashboards_find_them_with_their_variables(document):
    inner = [link["url"] for link in data_links(document) if link["url"].startswith("/")]
    for url in inner:
        lands(re.sub(r"\$\{[\w.:]*:queryparam\}&?", "", url), document["title"])


def test_links_lead_from_the_fleet_down_to_archscan_s_own_page():
    fleet = json.dumps(data_links(COMMITTED["archscan-fleet.json"]))
    for step in ("/d/archscan-host?", "/d/archscan-image?", "${archscan}/hosts/${", "${archscan}/images?reference=${"):
        assert step in fleet


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_s_dashboard_exists_with_the_variable_it_sets(rule):
    url = re.sub(r"\{\{.*?\}\}", "x", rule["annotations"]["dashboard_url"])
    lands(url.removeprefix("https://grafana.example"), rule["alert"])


def test_links_to_archscan_are_routes_it_serves():
    served = "".join(file.read_text() for file in sorted((ROOT / "scanner" / "web" / "pages").glob("*_page*.py")))
    assert '@router.get("/hosts/{name:path}")' in served
    assert '@router.get("/images")' in served
    assert "reference: Annotated" in served


def test_every_reason_has_its_place_in_the_manual():
    headings = set(re.findall(r"^### (\w+)$", (ROOT / "docs" / "reasons.md").read_text(), re.MULTILINE))
    assert {str(reason) for reason in Reason} == headings


def test_values_from_hosts_are_encoded_in_links():
    for document in COMMITTED.values():
        for link in data_links(document):
            for field in re.findall(r"\$\{(__(?:data|field|value)[^}]*)\}", link["url"]):
                assert field.endswith(":percentencode") or "reason" in field or "team" in field, link["url"]


# ---------------------------------------------------------------- looks


def test_a_reason_is_shown_with_what_it_means():
    for name in ("archscan-fleet.json", "archscan-host.json", "archscan-image.json"):
        assert all(json.dumps(sentence)[1:-1] in json.dumps(COMMITTED[name]) for sentence in MEANING.values())


@each
def test_a_status_has_one_colour_everywhere(document):
    said = json.dumps(document)
    for status in Status:
        for colour in re.findall(rf'"text": "{re.escape(json.dumps(SHAPE[status])[1:-1])} {status}"', said):
            assert colour
    for panel in panels(document):
        for override in panel["fieldConfig"].get("overrides", []):
            if override["matcher"]["options"] in set(Status):
                assert COLOUR[Status(override["matcher"]["options"])] in json.dumps(override), panel["title"]


def linear(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def lab(rgb):
    matrix = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    xyz = [sum(a * max(b, 0) for a, b in zip(row, rgb, strict=True)) for row in matrix]
    x, y, z = (
        (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116)
        for t in (xyz[0] / 0.9505, xyz[1], xyz[2] / 1.089)
    )  # fmt: skip
    return (116 * y - 16, 500 * (x - y), 200 * (y - z))


SIGHT = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    # Machado, Oliveira, Fernandes 2009, severity 1.0
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}
TOLD_APART = 12.0
"""Distance in CIELAB; about 2.3 is just noticeable side by side."""


@pytest.mark.parametrize("sight", SIGHT)
def test_colour_blind_readers_tell_statuses_apart(sight):
    def seen(colour):
        rgb = linear(colour)
        return lab([sum(a * b for a, b in zip(row, rgb, strict=True)) for row in SIGHT[sight]])

    for one, other in itertools.combinations(Status, 2):
        apart = sum((a - b) ** 2 for a, b in zip(seen(COLOUR[one]), seen(COLOUR[other]), strict=True)) ** 0.5
        assert apart > TOLD_APART, f"{one}, {other}: {apart:.1f}"


def test_statuses_have_the_shapes_of_the_web_page():
    page = (ROOT / "scanner" / "web" / "pages" / "rendering.py").read_text()
    for status, shape in SHAPE.items():
        assert f'Status.{status.name}: "{shape}"' in page
