"""The PromQL that several dashboards share.

Dashboards ask archscan's own series, not recorded ones, so that they work before any rule is loaded.
"""

from __future__ import annotations

HOSTS = 'job=~"$job", host=~"$host"'
FINDINGS = f'{HOSTS}, image=~"$image", reason=~"$reason", status=~"$status"'

_SAME_HOST = "on (job, instance, host) group_left"

_TEAMS = (
    'label_replace (label_replace (archscan_host_labels{job=~"$job"}, "team", "no team", "", ""), '
    '"team", "$1", "label_team", "(.+)")'
)

ANY_TEAM = f"max by (job, instance, host, team) ({_TEAMS})"
"""1 for each host, with its team."""

TEAM = (
    f'max by (job, instance, host, team) (label_replace ({_TEAMS}, "shown", "yes", "team", "$team") '
    '* on (shown) group_left () label_replace (vector (1), "shown", "yes", "", ""))'
)
"""The same for hosts of the chosen teams only, "no team" being one; a product with it filters."""


def of_team(series: str, team: str = TEAM) -> str:
    """The series of hosts, each with the team that owns the host."""
    return f"{series} * {_SAME_HOST} (team) {team}"


def with_registry(series: str) -> str:
    """The series of images, each with its registry (by the rule of references: the first part if it has a dot or colon)."""
    return (
        f'label_replace (label_replace ({series}, "registry", "docker.io", "", ""), '
        '"registry", "$1", "image", "([^/]*[.:][^/]*|localhost)/.*")'
    )


def with_platform(series: str) -> str:
    """The series of hosts, each with the platform of the host; hosts that were never read drop out."""
    return f'{series} * {_SAME_HOST} (platform) archscan_host_info{{job=~"$job"}}'


def or_zero(counts: str) -> str:
    """A number where there is nothing to count."""
    return f"{counts} or vector (0)"


def image_named(name: str = "$image") -> str:
    """Matchers for one image, by its name as it is written."""
    return f'job=~"$job", image="{name}"'
