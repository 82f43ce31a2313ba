"""The kinds of panels that the dashboards are made of, each with one look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grafana_foundation_sdk.builders import bargauge, common, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models.dashboard import (
    DashboardFieldConfigSourceOverrides,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    MatcherConfig,
    Threshold,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana.links import Link, host_page, image_page, reason_page, to_host, to_image
from grafana.status import BAD, COLOUR, GOOD, NEUTRAL, meanings, statuses
from scanner.domain.verdict.reason import STATUS_OF, Status

if TYPE_CHECKING:
    from collections.abc import Callable

NO_FINDINGS = "No findings"
DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
"""Never a fixed one: the variable at the top of each dashboard chooses."""

GRAVEST = tuple(reversed(Status))
"""The order in which statuses are read."""

TREND_LINE, TREND_FILL = 1.5, 18.0

Panel = stat.Panel | table.Panel | timeseries.Panel | bargauge.Panel


@dataclass(frozen=True, slots=True)
class Query:
    """One question to Prometheus; ``legend`` may name labels (``{{host}}``)."""

    expr: str
    legend: str = ""


def _asked(query: Query, ref: str, *, instant: bool, as_table: bool = False) -> prometheus.Dataquery:
    made = prometheus.Dataquery().expr(query.expr).ref_id(ref).datasource(DATASOURCE)
    made = made.instant() if instant else made.range()
    made = made.format(PromQueryFormat.TABLE if as_table else PromQueryFormat.TIME_SERIES)
    return made.legend_format(query.legend) if query.legend else made


def _refs(queries: tuple[Query, ...]) -> zip[tuple[str, Query]]:
    return zip("ABCDEFGHIJKLMN", queries, strict=False)


def _steps(*steps: tuple[float | None, str]) -> ThresholdsConfig:
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps([Threshold(value=at, color=hue) for at, hue in steps])


def from_one(colour: str) -> ThresholdsConfig:
    """Grey at zero, the colour from one: a zero does not shout."""
    return _steps((None, NEUTRAL), (1, colour))


def above(limit: float, *, good_below: bool = True) -> ThresholdsConfig:
    """Good on one side of the limit, bad on the other."""
    return _steps((None, GOOD), (limit, BAD)) if good_below else _steps((None, BAD), (limit, GOOD))


def _settings(name: str, **settings: object) -> DashboardFieldConfigSourceOverrides:
    return DashboardFieldConfigSourceOverrides(
        matcher=MatcherConfig(id_val="byName", options=name),
        properties=[DynamicConfigValue(id_val=key, value=value) for key, value in settings.items()],
    )


def _override(panel: Any, name: str, settings: dict[str, object]) -> None:
    panel.override_by_name(name, [DynamicConfigValue(id_val=key, value=value) for key, value in settings.items()])


def _in_status_colours(panel: Any, *, thresholds: bool) -> None:
    for status, colour in COLOUR.items():
        fixed: dict[str, object] = {"color": FieldColor().mode(FieldColorModeId.FIXED).fixed_color(colour).build()}
        graded: dict[str, object] = {"thresholds": from_one(colour).build()}
        _override(panel, str(status), graded if thresholds else fixed)


# ---------------------------------------------------------------- one number, or a few


def number(
    title: str,
    about: str,
    *queries: Query,
    unit: str = "short",
    thresholds: ThresholdsConfig | None = None,
    empty: str = "0",
) -> stat.Panel:
    """Big numbers; ``empty`` is said where Prometheus has none."""
    made = (
        stat.Panel()
        .title(title)
        .description(about)
        .datasource(DATASOURCE)
        .unit(unit)
        .no_value(empty)
        .color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .thresholds(thresholds or _steps((None, NEUTRAL)))
        .graph_mode(shapes.BigValueGraphMode.NONE)
        .color_mode(shapes.BigValueColorMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    for ref, query in _refs(queries):
        made = made.with_target(_asked(query, ref, instant=True))
    return made


def word(title: str, about: str, query: Query, *, empty: str) -> stat.Panel:
    """A label's value as the text: what Prometheus calls info."""
    return number(title, about, query, empty=empty).text_mode(shapes.BigValueTextMode.NAME)


def status_numbers(title: str, about: str, count: Callable[[Status], str]) -> stat.Panel:
    """One number for each status, in its colour, the gravest first; ``count`` gives the PromQL."""
    queries = [Query(f"{count(status)} or vector (0)", str(status)) for status in GRAVEST]
    made = number(title, about, *queries).text_mode(shapes.BigValueTextMode.VALUE_AND_NAME)
    _in_status_colours(made, thresholds=True)
    return made.orientation(shapes.VizOrientation.VERTICAL).justify_mode(shapes.BigValueJustifyMode.CENTER)


def bars(title: str, about: str, query: Query, *, link: Link | None = None, empty: str = NO_FINDINGS) -> bargauge.Panel:
    """The greatest first, each as a bar."""
    made = (
        bargauge.Panel()
        .title(title)
        .description(about)
        .datasource(DATASOURCE)
        .with_target(_asked(query, "A", instant=True))
        .unit("short")
        .min(0)
        .no_value(empty)
        .color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .thresholds(from_one(BAD))
        .orientation(shapes.VizOrientation.HORIZONTAL)
        .display_mode(shapes.BarGaugeDisplayMode.BASIC)
        .name_placement(shapes.BarGaugeNamePlacement.LEFT)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    return made.with_override(_ALL_FIELDS, [DynamicConfigValue(id_val="links", value=[link])]) if link else made


def reason_bars(title: str, expr: str) -> bargauge.Panel:
    """Findings by reason, each in the colour of the status that the reason stands for."""
    query = Query(f"sort_desc ({expr})", "{{reason}}")
    about = "Why. The colour is that of the status; a click leads to the reason's place in the manual."
    made = bars(title, about, query, link=reason_page("__field.labels.reason"))
    for status, colour in COLOUR.items():
        reasons = "|".join(reason for reason, found in STATUS_OF.items() if found is status)
        graded = DynamicConfigValue(id_val="thresholds", value=from_one(colour).build())
        made = made.with_override(MatcherConfig(id_val="byRegexp", options=f"/^({reasons})$/"), [graded])
    return made


_ALL_FIELDS = MatcherConfig(id_val="byRegexp", options="/.*/")


# ---------------------------------------------------------------- over time


def trend(
    title: str, about: str, *queries: Query, unit: str = "short", empty: str = "No data yet", stacked: bool = False
) -> timeseries.Panel:
    """Lines over time; stacked ones are parts of a whole."""
    made = (
        timeseries.Panel()
        .title(title)
        .description(about)
        .datasource(DATASOURCE)
        .unit(unit)
        .min(0)
        .no_value(empty)
        .line_width(TREND_LINE)
        .fill_opacity(TREND_FILL if stacked else 0)
        .show_points(shapes.VisibilityMode.NEVER)
        .legend(
            common.VizLegendOptions()
            .show_legend(show_legend=True)
            .display_mode(shapes.LegendDisplayMode.LIST)
            .placement(shapes.LegendPlacement.BOTTOM)
        )
        .tooltip(common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI).sort(shapes.SortOrder.DESCENDING))
    )
    if stacked:
        made = made.stacking(common.StackingConfig().mode(shapes.StackingMode.NORMAL).group("A"))
    for ref, query in _refs(queries):
        made = made.with_target(_asked(query, ref, instant=False))
    return made


def status_trend(title: str, about: str, expr: str) -> timeseries.Panel:
    """Workloads by status over time, in their colours."""
    made = trend(title, about, Query(expr, "{{status}}"), stacked=True, empty="No scan yet")
    _in_status_colours(made, thresholds=False)
    return made


# ---------------------------------------------------------------- tables


@dataclass(frozen=True, slots=True)
class Column:
    """What a table's column is called, where it comes from, how it looks; ``settings`` are Grafana's field properties."""

    source: str
    name: str = ""
    settings: tuple[tuple[str, object], ...] = ()

    @property
    def title(self) -> str:
        """Its heading."""
        return self.name or self.source


def column(source: str, name: str = "", *, links: tuple[Link, ...] = (), **settings: object) -> Column:
    """A column; properties with a dot are written with two underscores."""
    made = [(key.replace("__", "."), value) for key, value in settings.items()]
    return Column(source, name, (*made, ("links", list(links))) if links else tuple(made))


_COLOURED = {"type": shapes.TableCellDisplayMode.COLOR_BACKGROUND, "mode": shapes.TableCellBackgroundDisplayMode.BASIC}

STATUS = column("status", mappings=statuses(), custom__cellOptions=_COLOURED, custom__width=120)
REASON = column("reason", links=(reason_page(),), custom__width=190)
MEANING = column(
    "meaning",
    mappings=meanings(),
    links=(reason_page(), image_page()),
    custom__cellOptions={"type": "auto", "wrapText": True},
)
HOST = column("host", links=(to_host(), host_page()))
IMAGE = column("image", links=(to_image(), image_page()), custom__minWidth=220)


def grid(
    title: str,
    about: str,
    queries: tuple[Query, ...],
    columns: tuple[Column, ...],
    *,
    join: str = "",
    sort: str = "",
    also: str = "",
    empty: str = NO_FINDINGS,
) -> table.Panel:
    """A table of exactly these columns; several queries are joined by the label ``join``, or merged by all labels.

    ``also`` is a regular expression for the names of columns that are not known beforehand.
    """
    made = (
        table.Panel()
        .title(title)
        .description(about)
        .datasource(DATASOURCE)
        .no_value(empty)
        .filterable(filterable=True)
        .cell_height(shapes.TableCellHeight.SM)
        .footer(common.TableFooterOptions().show(show=False).enable_pagination(enable_pagination=True))
    )
    for ref, query in _refs(queries):
        made = made.with_target(_asked(query, ref, instant=True, as_table=True))
    if len(queries) > 1:
        how = DataTransformerConfig(id_val="joinByField", options={"byField": join, "mode": "outer"})
        made = made.with_transformation(how if join else DataTransformerConfig(id_val="merge", options={}))
    made = made.with_transformation(DataTransformerConfig(id_val="filterFieldsByName", options=_only(columns, also)))
    made = made.with_transformation(DataTransformerConfig(id_val="organize", options=_order(columns)))
    for shown in columns:
        # the panel's own word for "nothing" would stand in every empty cell
        _override(made, shown.title, {"noValue": "-", **dict(shown.settings)})
    return (
        made.sort_by([common.TableSortByFieldState().display_name(sort.lstrip("-")).desc(desc=sort[0] == "-")])
        if sort
        else made
    )


def _only(columns: tuple[Column, ...], also: str) -> dict[str, object]:
    names: dict[str, object] = {"names": [shown.source for shown in columns]}
    return {"include": {**names, "pattern": also} if also else names}


def _order(columns: tuple[Column, ...]) -> dict[str, object]:
    return {
        "excludeByName": {},
        "includeByName": {},
        "indexByName": {shown.source: index for index, shown in enumerate(columns)},
        "renameByName": {shown.source: shown.name for shown in columns if shown.name},
    }


def matrix(title: str, about: str, expr: str, rows: str, columns: str, *, empty: str) -> table.Panel:
    """Counts by two labels: one down, one across."""
    options = {"rowField": rows, "columnField": columns, "valueField": "Value", "emptyValue": "zero"}
    made = (
        table.Panel()
        .title(title)
        .description(about)
        .datasource(DATASOURCE)
        .no_value(empty)
        .filterable(filterable=True)
        .with_target(_asked(Query(expr), "A", instant=True, as_table=True))
        .with_transformation(DataTransformerConfig(id_val="groupingToMatrix", options=options))
    )
    for status, colour in COLOUR.items() if columns == "status" else ():
        graded: dict[str, object] = {
            "thresholds": from_one(colour).build(),
            "color": FieldColor().mode(FieldColorModeId.THRESHOLDS).build(),
            "custom.cellOptions": {"type": shapes.TableCellDisplayMode.COLOR_TEXT},
        }
        _override(made, str(status), graded)
    return made
