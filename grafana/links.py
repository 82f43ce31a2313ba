"""Where a click leads: from the fleet to a host, to an image, to archscan's own page with the fix."""

from __future__ import annotations

from urllib.parse import urlencode

from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

TAG = "archscan"
FLEET, HOST, IMAGE, SCANNER = "archscan-fleet", "archscan-host", "archscan-image", "archscan-self"
"""The identifiers of the dashboards; alerts link to them by these."""

REASONS = "https://github.com/archscan/archscan/blob/main/docs/reasons.md"

_KEPT = "${datasource:queryparam}&${job:queryparam}&${__url_time_range}"

Link = dict[str, object]
"""A data link, as Grafana's field configuration has it."""


def _link(title: str, url: str, *, new_tab: bool = False) -> Link:
    return {"title": title, "url": url, "targetBlank": new_tab}


def to_host(field: str = "__data.fields.host") -> Link:
    """The dashboard of the host in this row."""
    return _link("Host", f"/d/{HOST}?var-host=${{{field}:percentencode}}&{_KEPT}")


def to_image(field: str = "__data.fields.image") -> Link:
    """The dashboard of the image in this row."""
    return _link("Image", f"/d/{IMAGE}?var-image=${{{field}:percentencode}}&{_KEPT}")


def to_fleet(**variables: str) -> Link:
    """The fleet, narrowed down."""
    narrowed = urlencode({f"var-{name}": value for name, value in variables.items()}, safe="${}.:_")
    return _link("Findings", f"/d/{FLEET}?{narrowed}&{_KEPT}")


def host_page(field: str = "__data.fields.host") -> Link:
    """The web page of the host: facts, evidence, the commands that mend it."""
    return _link("Evidence and fix (archscan)", f"${{archscan}}/hosts/${{{field}:percentencode}}", new_tab=True)


def image_page(field: str = "__data.fields.image") -> Link:
    """The web page of the image: where it runs, why it fails, the commands that mend it."""
    return _link(
        "Evidence and fix (archscan)", f"${{archscan}}/images?reference=${{{field}:percentencode}}", new_tab=True
    )


def reason_page(field: str = "__data.fields.reason") -> Link:
    """The manual on the reason in this row: its meaning with the fix."""
    return _link("What mends it (manual)", f"{REASONS}#${{{field}}}", new_tab=True)


def others() -> list[DashboardLink]:
    """The bar at the top of every dashboard."""
    dashboards = DashboardLink("archscan").type(DashboardLinkType.DASHBOARDS).tags([TAG]).as_dropdown(as_dropdown=False)
    page = DashboardLink("archscan's page").type(DashboardLinkType.LINK).url("${archscan}/").icon("external link")
    return [dashboards.keep_time(keep_time=True), page.target_blank(target_blank=True)]
