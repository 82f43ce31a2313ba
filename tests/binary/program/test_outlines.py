"""The outlines of modules say what the languages' own parsers say."""

import ast
import json
import subprocess
import sysconfig
import time
from pathlib import Path

import pytest

from scanner.binary.program import node_outline, python_outline
from scanner.binary.program.module_files import Doubt
from scanner.binary.program.python_statements import Imported, imported, within
from tests.binary.program.interpreted import PLACES

STANDARD = Path(sysconfig.get_path("stdlib"))

ACORN = """
const acorn = require('internal/deps/acorn/acorn/dist/acorn'), found = [];
function visit(node, guard) {
  if (!node || typeof node.type !== 'string') return;
  if (node.type === 'CallExpression' && node.callee.name === 'require') {
    found.push([node.arguments.length === 1 && typeof node.arguments[0].value === 'string' ? node.arguments[0].value : '', guard]);
  }
  for (const [key, child] of Object.entries(node)) {
    const later = /Function/.test(node.type) && key === 'body' ? 2 : guard;
    const chosen = ['IfStatement', 'ConditionalExpression', 'LogicalExpression', 'ForStatement', 'WhileStatement',
      'SwitchStatement', 'CatchClause', 'ForOfStatement'].includes(node.type) && !['test', 'left', 'discriminant'].includes(key);
    for (const each of [].concat(child)) visit(each, chosen ? Math.max(later, 1) : later);
  }
}
let text = ''; process.stdin.on('data', (each) => { text += each }).on('end', () => {
  visit(acorn.parse(text, {ecmaVersion: 'latest', allowHashBang: true, allowReturnOutsideFunction: true}), 0);
  console.log(JSON.stringify(found));
});
"""
"""Node's own parser: each require with how sure it is, as ``Guard`` counts it."""

SCRIPTS = {
    "division": "const a = b / c; require('x'); const d = (e) / f / require('y')",
    "patterns": "const a = /[/'\"]/g.test(b); require('x'); if (a) /'/.exec(b); require('y')",
    "templates": "const a = `${b ? `${require('x')}` : \"'\"}`; require('y')",
    "functions": "function f() { require('x') }\nconst g = () => require('y'), h = { m() { require('z') } }\nrequire('w')",
    "classes": "class A { m() { return require('x') } }\nrequire('y')",
    "choices": "if (a) require('x')\nelse require('y')\nrequire('z')\na && require('v')\nrequire('w')",
    "line ends": "if (a)\n  require('x')\nrequire('y')\nfor (;;)\n  require('z')",
    "switches": "switch (a) { case 1: require('x'); break }\nrequire('y')",
    "handlers": "try { require('x') } catch (e) { require('y') } finally { require('z') }",
    "texts": "'require(\"x\")'; \"\\\"require('y')\"; // require('z')\n/* require('v') */ require('w')",
    "names": "a.require('x'); require(b); require('y' + c); require('z')",
}


@pytest.mark.parametrize("case", SCRIPTS)
def test_what_a_script_requires_is_what_nodes_own_parser_sees_and_never_surer(case):
    said = subprocess.run(
        [PLACES["node"], "--expose-internals", "-e", ACORN],
        input=SCRIPTS[case],
        capture_output=True,
        text=True,
        check=True,
    )
    expected = json.loads(said.stdout)
    found = [deed for deed in node_outline.outline(SCRIPTS[case]).deeds if deed.what == "require"]
    assert [deed.name for deed in found] == [name for name, _ in expected]
    assert all(deed.guard >= guard for deed, (_, guard) in zip(found, expected, strict=True))


@pytest.mark.parametrize("text", ["'", "`${", "/* ", "f(", ")", "a = /x\n/"])
def test_what_is_no_javascript_is_a_doubt(text):
    with pytest.raises(Doubt):
        node_outline.outline(text)


IMPORTS = {
    "import a from 'x'\nimport { b as c, from } from \"y\"": ["x", "y"],
    "import'x';export * from'y'": ["x", "y"],
    "import { // 'q'\n a } /* \"r\" */ from 'x'": ["x"],
    "export default 'x'; export const a = 'y'": [],
    "export { a }\nimport b from 'x'": ["x", "x"],
}


@pytest.mark.parametrize("text", IMPORTS)
def test_what_a_module_imports_by_statements_is_what_they_name(text):
    assert [deed.name for deed in node_outline.outline(text).deeds if deed.what == "import"] == IMPORTS[text]


@pytest.mark.parametrize("end", ["", '"x"', '"' + "a" * 100_000])
def test_imports_behind_each_other_take_time_in_proportion_to_their_number(end):
    began = time.thread_time()
    try:
        node_outline.outline("import " * 15_000 + end)
    except Doubt:
        assert end
    assert time.thread_time() - began < 5


@pytest.mark.parametrize(
    "text", ["a()\n" * (node_outline.MAX_DEEDS + 1), "try {" * 20 + "a()" + "} catch {}" * 20], ids=["deeds", "tries"]
)
def test_a_script_that_does_more_than_anybody_writes_is_a_doubt(text):
    with pytest.raises(Doubt):
        node_outline.outline(text)


def test_a_module_of_more_statements_than_anybody_writes_is_a_doubt():
    with pytest.raises(Doubt):
        python_outline.outline("a\n" * (python_outline.MAX_STATEMENTS + 1))


def test_what_follows_behind_a_semicolon_is_of_the_same_block():
    found = python_outline.outline("if a: b; import c\nd; import e")
    assert [each.text for each in found] == ["if a:", "d", "import e"]
    assert [each.text for each in found[0].body] == ["b", "import c"]


def test_what_modules_of_pythons_own_import_is_what_its_parser_sees():
    for path in sorted(STANDARD.glob("*.py")):
        text = path.read_text("utf-8")
        expected = []
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Import(names=names):
                    expected += [Imported(each.name) for each in names]
                case ast.ImportFrom(module=module, names=names, level=level):
                    expected.append(Imported(module or "", level, tuple(each.name for each in names)))
        found = [each for line in within(python_outline.outline(text)) for each in imported(line.text)]
        assert sorted(found, key=str) == sorted(expected, key=str), path


@pytest.mark.parametrize("text", ["'", '"""', "a = (", "if x:\n  a\n b\n   c", "\\x", "  " * 40 + "x", ";x", "a;;b"])
def test_what_is_no_python_is_a_doubt_or_some_statement(text):
    try:
        assert python_outline.outline(text)
    except Doubt:
        assert True
