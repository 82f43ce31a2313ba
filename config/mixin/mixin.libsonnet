// The mixin for Jsonnet users: the same dashboards and rules that are committed as JSON and YAML.
//   local archscan = import 'config/mixin/mixin.libsonnet';
//   archscan.grafanaDashboards, archscan.prometheusRules, archscan.prometheusAlerts
{
  _config+:: {
    // The alerts link to dashboards here.
    grafanaUrl: 'https://grafana.example',
  },

  // The manifest, not the rules it is made from: std.parseYaml does not follow YAML's anchors.
  local groups = std.parseYaml(importstr '../prometheus/prometheusrule.yaml').spec.groups,
  local grafana = $._config.grafanaUrl,
  local part(kind, suffix) = [
    group { name: group.name + suffix, rules: rules }
    for group in groups
    for rules in [[rule for rule in group.rules if std.objectHas(rule, kind)]]
    if std.length(rules) > 0
  ],
  local at(rule) = rule {
    annotations+: { dashboard_url: std.strReplace(rule.annotations.dashboard_url, 'https://grafana.example', grafana) },
  },

  grafanaDashboardFolder:: 'archscan',
  grafanaDashboards+:: {
    'archscan-fleet.json': import '../../grafana/dashboards/archscan-fleet.json',
    'archscan-host.json': import '../../grafana/dashboards/archscan-host.json',
    'archscan-image.json': import '../../grafana/dashboards/archscan-image.json',
    'archscan-self.json': import '../../grafana/dashboards/archscan-self.json',
  },

  prometheusRules+:: { groups+: part('record', '.rules') },
  prometheusAlerts+:: { groups+: [group { rules: [at(rule) for rule in group.rules] } for group in part('alert', '.alerts')] },
}
