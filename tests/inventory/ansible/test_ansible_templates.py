import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.inventory import AnsibleSource
from scanner.inventory.ansible import templates
from scanner.inventory.ansible.templates import MAX_NAMES, Names, TemplateError, filled, names_in
from tests import counted

VARIABLES = {
    "ip": "10.0.0.5",
    "empty": "",
    "zero": "0",
    "circle": "{{ circle }}",
    "twice": "{{ ip }}{{ ip }}",
    "raw": "{% raw %}",
}
NAMES = Names("a.example", lambda host, name: None if host else VARIABLES.get(name))


@pytest.mark.parametrize(
    "text",
    [
        "{{ nowhere }}", "{{ circle }}", "{{ raw }}", "{{ lookup('env', 'USER') }}", "{{ ip.split('.')[0] }}", "{{ ip['x'] }}",
        "{{ ip ~ '.x' }}", "{{ ip + 'x' }}", "{{- ip -}}", "x{# c #}", "{% if true %}x{% endif %}", "{{ ip | replace('1', '2') }}",
        "{{ ip if ip else 'x' }}", "{{ ip or 'x' }}", "{{ ip | int }}", "{{ ip", "{{ }}", "{{ | d('x') }}", "{{ ip | }}",
        "{{ nowhere | d() }}", "{{ nowhere | d('x' }}", "{{ nowhere | d('x', maybe) }}", "{{ zero | d('x', true) }}", "{{ '\\x41' }}",
        "{{ hostvars['b'].ip }}", "{{ hostvars[''].ip }}", "{{ hostvars[ip].ip }}", "{{ hostvars.b }}", "{{ ip.upper }}", "{{ 'a' 'b' }}",
    ],
)  # fmt: skip
def test_what_only_ansible_can_evaluate_is_left_to_it(text):
    with pytest.raises(TemplateError):
        filled(text, NAMES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no template", "no template"), ("{{ip}}:{{ '22' }}", "10.0.0.5:22"), ("{{ twice }}", "10.0.0.510.0.0.5"),
        ("{{ empty | d('x') }}", ""), ("{{ empty | d('x', true) }}", "x"), ("{{ nowhere | d(ip) | string }}", "10.0.0.5"),
        ("{{ inventory_hostname }} {{ inventory_hostname_short }}", "a.example a"), ("{{ ' 007 ' | trim | int }}", "7"),
        ("{{ hostvars[inventory_hostname].ip | d('none') }}", "10.0.0.5"),
    ],
)  # fmt: skip
def test_what_the_inventory_alone_decides_is_put_in_place(text, expected):
    assert filled(text, NAMES) == expected


def test_templates_that_multiply_are_refused():
    variables = {f"v{n}": f"{{{{ v{n + 1} }}}}" * 100 for n in range(9)} | {"v9": ""}
    with counted.in_proportion():
        with pytest.raises(TemplateError):
            filled("{{ v0 }}", Names("a", lambda _, name: variables.get(name)))
        with pytest.raises(TemplateError):
            filled("{{ a }}" * 100, Names("a", lambda *_: "x" * 1000))
        for text in (
            "{{" * 50_000,
            "{{ a " * 20_000,
            "{{ a |" * 20_000,
            "{{ " + "a." * 50_000 + " }}",
            "{{ " + " " * 100_000 + "}}",
        ):
            with pytest.raises(TemplateError):
                filled(text, NAMES)


def test_the_names_that_are_kept_are_bounded():
    assert names_in(["a: '{{ b | d(c) }}'", "d: e", "{{ f"]) == {"b", "c", "d", "f"}
    assert names_in(["".join(f"{{{{ n{number} }}}}" for number in range(MAX_NAMES + 1))]) == frozenset()


@given(st.text(alphabet="{}%#ab'\"|d(),.[] 1-", max_size=60))
def test_any_text_is_filled_or_left(text):
    try:
        made = filled(text, NAMES)
    except TemplateError:
        return
    assert made == text or templates.is_template(text)


def test_planned_images_may_be_templates(tmp_path):
    path = tmp_path / "hosts.yml"
    path.write_text(
        "all:\n  hosts:\n    a:\n      version: 1.5\n      archscan_planned:\n      - r.example/a:{{ version }}\n"
        "      - {image: 'r.example/b:{{ nowhere }}', workload: '{{ inventory_hostname }}-b'}\n"
    )
    (record,) = AnsibleSource(path).read().records
    assert [(plan.image, plan.workload) for plan in record.planned] == [
        ("r.example/a:1.5", ""),
        ("r.example/b:{{ nowhere }}", "a-b"),
    ]
