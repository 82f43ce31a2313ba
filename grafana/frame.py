"""What every dashboard has around its panels: variables, annotations, links, layout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from grafana_foundation_sdk.builders import dashboard as made_by
from grafana_foundation_sdk.models import dashboard as shapes

from grafana.links import TAG, others
from grafana.panels import DATASOURCE
from grafana.status import COLOUR
from scanner.domain.verdict.reason import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grafana.panels import Panel

GRID_COLUMNS = 24
ALL = shapes.VariableOption(selected=True, text="All", value="$__all")

Variable = made_by.QueryVariable | made_by.ConstantVariable | made_by.DatasourceVariable


# ---------------------------------------------------------------- variables


def datasource() -> made_by.DatasourceVariable:
    """Which Prometheus."""
    return made_by.DatasourceVariable("datasource").label("Prometheus").type("prometheus")


def page_address(url: str) -> made_by.ConstantVariable:
    """Where archscan's web page is; a constant, so that no link to a dashboard can change it."""
    return made_by.ConstantVariable("archscan").value(url)


def _asked(name: str, label: str, query: str) -> made_by.QueryVariable:
    return (
        made_by.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query({"query": query, "refId": f"variable-{name}"})
        .refresh(shapes.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(shapes.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
    )


def any_of(name: str, label: str, query: str) -> made_by.QueryVariable:
    """Some values or all; all matches series without the label, too."""
    return _asked(name, label, query).multi(multi=True).include_all(include_all=True).all_value(".*").current(ALL)


def one_of(name: str, label: str, query: str) -> made_by.QueryVariable:
    """Exactly one value."""
    return _asked(name, label, query).multi(multi=False).include_all(include_all=False)


def job() -> made_by.QueryVariable:
    """The scrape job: a fleet that is scraped both whole and by probes would count twice."""
    return any_of("job", "Job", "label_values(archscan_host_up, job)")


def team() -> made_by.QueryVariable:
    """The inventory's label ``team``."""
    return any_of("team", "Team", 'label_values(archscan_host_labels{job=~"$job"}, label_team)')


def hosts() -> made_by.QueryVariable:
    """Hosts of the inventory."""
    return any_of("host", "Host", 'label_values(archscan_host_labels{job=~"$job", label_team=~"$team"}, host)')


def of_findings(label: str, title: str, among: str = 'job=~"$job"') -> made_by.QueryVariable:
    """What findings have in this label."""
    return any_of(label, title, f"label_values(archscan_finding{{{among}}}, {label})")


# ---------------------------------------------------------------- annotations


class Annotation(shapes.AnnotationQuery):
    """A moment that Prometheus knows, with the words that the SDK's own type leaves out."""

    def __init__(self, name: str, expr: str, title: str, *, colour: str, enable: bool = True) -> None:
        """``expr`` gives Unix times in milliseconds; ``title`` may name labels."""
        super().__init__(name=name, datasource=DATASOURCE, enable=enable, icon_color=colour, expr=expr)
        self._title = title

    def to_json(self) -> dict[str, object]:
        """As Grafana's annotations of Prometheus have it."""
        words = {"titleFormat": self._title, "textFormat": "", "tagKeys": "", "step": "60s", "useValueForTime": True}
        return {**super().to_json(), **words}


def scans(*, enable: bool) -> Annotation:
    """When scans of the whole fleet ended."""
    expr = 'archscan_scan_last_success_timestamp_seconds{job=~"$job"} * 1000 > 0'
    return Annotation("Scans", expr, "Scan ended", colour=COLOUR[Status.UNKNOWN], enable=enable)


def reloads() -> Annotation:
    """When another configuration came into force."""
    expr = 'archscan_config_last_reload_success_timestamp_seconds{job=~"$job"} * 1000 > 0'
    return Annotation("Configuration", expr, "Configuration read", colour=COLOUR[Status.EMULATED])


def architecture_changes(matchers: str) -> Annotation:
    """When the machine behind a name was replaced."""
    expr = f"archscan_host_architecture_changed_timestamp_seconds{{{matchers}}} * 1000"
    return Annotation("Architecture changes", expr, "{{host}} changed its architecture", colour=COLOUR[Status.BROKEN])


# ---------------------------------------------------------------- layout


@dataclass(frozen=True, slots=True)
class Section:
    """A row with a heading; each line of it is as high as told, its panels share the width by the given spans."""

    title: str
    lines: tuple[tuple[int, tuple[tuple[int, Panel], ...]], ...]


def line(height: int, *panels: tuple[int, Panel]) -> tuple[int, tuple[tuple[int, Panel], ...]]:
    """Panels side by side, each with its span of the 24 columns.

    Raises:
        ValueError: the spans leave a gap or do not fit.
    """
    if (width := sum(span for span, _ in panels)) != GRID_COLUMNS:
        raise ValueError(f"a line is {GRID_COLUMNS} columns wide, these are {width}")
    return height, panels


def dashboard(
    uid: str,
    title: str,
    about: str,
    *,
    variables: Iterable[Variable],
    annotations: Iterable[Annotation],
    sections: Iterable[Section],
) -> shapes.Dashboard:
    """The whole, its panels numbered from 1."""
    built = (
        made_by.Dashboard(title)
        .uid(uid)
        .description(about)
        .tags([TAG])
        .time("now-24h", "now")
        .refresh("1m")
        .timezone("browser")
        .tooltip(shapes.DashboardCursorSync.CROSSHAIR)
        .editable()
        .links(list(others()))
        .variables(list(variables))
    ).build()
    built.annotations = shapes.AnnotationContainer(list_val=list(annotations))
    built.panels = list(_placed(sections))
    for number, panel in enumerate(built.panels, 1):
        panel.id_val = number
    return built


def _placed(sections: Iterable[Section]) -> Iterable[shapes.Panel | shapes.RowPanel]:
    top = 0
    for section in sections:
        place = shapes.GridPos(h=1, w=GRID_COLUMNS, x=0, y=top)
        yield shapes.RowPanel(title=section.title, grid_pos=place, panels=[])
        top += 1
        for height, panels in section.lines:
            left = 0
            for span, builder in panels:
                panel = builder.build()
                panel.grid_pos = shapes.GridPos(h=height, w=span, x=left, y=top)
                left += span
                yield panel
            top += height
