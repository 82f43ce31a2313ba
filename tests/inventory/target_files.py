"""Files of Prometheus's service discovery, by their endings."""

YAML = (
    "- targets: [web-1:9100]\n  labels: {team: web}\n", "- targets: ['10.0.0.1:9100', '10.0.0.2:9100']\n",
    "- targets:\n  - web-1.example.com:9100\n  labels:\n    env: prod\n    __meta_dc: x\n    __metrics_path__: /probe\n",
    "- targets: []\n", "[]\n", "", "null\n", "---\n", "# only a comment\n", "{}\n", "- {}\n", "- labels: {a: b}\n", "- targets:\n",
    "- targets: [a:1]\n  labels:\n", "- targets: [a:1]\n  labels: {port: 9100, canary: true, x: null}\n",
    "- targets: [a:1]\n  labels: {x: [y]}\n", "- targets: [a:1]\n  labels: {x: 1.50, y: 2024-01-01, z: 010, w: 0x1f, v: 1_000, u: yes}\n",
    "- targets: [a:1]\n  label: {x: y}\n", "- targets: [a:1]\n  source: x\n", "- targets: a:1\n", "- target: [a:1]\n", "- Targets: [a:1]\n", "- {labels: {x: y}, hosts: [a:1]}\n", "targets: [a:1]\n", "- a:1\n", "- null\n",
    "- targets: [a:1]\n  labels: {a-b: c}\n", "- targets: [a:1]\n  labels: {1a: c}\n", "- targets: [a:1]\n  labels: {'': c}\n",
    "- targets: [a:1]\n  labels: {x: y, x: z}\n", "- targets: [a:1]\n  targets: [b:1]\n", "- targets: [a:1]\n  labels: {<<: {t: u}}\n",
    "- &x {targets: [a:1], labels: {t: u}}\n- *x\n", "x: &l {t: u}\n", "\t- targets: [a:1]\n", "- targets: [a:1]\n bad\n",
    "\ufeff- targets: [a:1]\n", "- targets: [A.Example:1]\n  labels: {Team: !!str 5}\n", "- targets: ['[2001:db8::1]:9100']\n",
    "- targets: [0x10:1, 010:1, true:1]\n", "- !!map {targets: [a:1]}\n", "- targets: !!str a:1\n", "- targets: [[a:1]]\n",
)  # fmt: skip

JSON = (
    '[{"targets":["a:1"],"labels":{"x":"y"}}]', "[]", "null", "", '[{"targets":["a:1"],"labels":null}]', '[{"targets":null}]',
    '[{"targets":["a:1"],"labels":{"x":1}}]', '[{"targets":["a:1"],"extra":1}]', '[{"targets":["a:1"]},]', '[{"targets":["a:1"]}] x',
    '// c\n[{"targets":["a:1"]}]', '[{"targets":["a:1"],"labels":{"x":"y","x":"z"}}]', '[{"targets":[1]}]', '{"targets":["a:1"]}',
    '[{"TARGETS":["a:1"],"Labels":{"x":"y"}}]', '[{"target":["a:1"]}]', '[{"targets":["a:1"],"Targets":["b:1"]}]', '[{"labels":{"x":"y"}}]', "[null]", '[{"targets":["a:1"],"labels":{"x":null}}]', '[{"targets":["a:1"]}]\n[{"targets":["b:1"]}]',
)  # fmt: skip

EVERY = (*((".yml", text) for text in YAML), *((".json", text) for text in JSON))
