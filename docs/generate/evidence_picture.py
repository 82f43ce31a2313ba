"""The picture of the layers of evidence."""

from __future__ import annotations

from html import escape

LAYERS = (
    ("index", "which platforms", "the tag claims", "registry"),
    ("config", "what the image", "says of itself", "registry"),
    ("program", "what argv leads to,", "ELF, loader, libraries", "registry"),
    ("survey", "every file,", "read once", "registry"),
    ("kernel, runtime", "what runs, what", "ended and how", "host"),
    ("local store", "which digest the", "host really has", "host"),
)
"""Each layer in two lines, with whom it is asked of; a later one may overrule those before it."""

WIDTH, HEIGHT, STEP, BOX = 1000, 300, 164, 148

STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1c2733 }
  .name { font-weight: 700 } .small { font-size: 12px; fill: #44525f }
  .registry { fill: #e3edf9; stroke: #3668a8 } .host { fill: #e4f3e6; stroke: #2f7d3b } .says { fill: #fff4d6; stroke: #96690a }
  path { fill: none; stroke: #66737f; stroke-width: 1.5 } .paper { fill: #ffffff }
"""


def picture() -> str:
    """The picture as SVG; made by ``python -m docs.generate``."""
    said = "Six layers of evidence; each may overrule those to its left. Together with the host's facts they make a verdict."
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{said}">',
        f"<!-- made by `python -m docs.generate` -->\n<style>{STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>',
        _text(16, 28, "small", "what is claimed"),
        _text(WIDTH - 16, 28, "small", "what is seen: overrules what is claimed", "end"),
        f'<path d="M120 24H{WIDTH - 262}m-8 -5l8 5l-8 5"/>',
        *(_layer(number, *layer) for number, layer in enumerate(LAYERS)),
        f'<path d="M90 150V180H{WIDTH - 90}V150M{WIDTH // 2} 180V205"/>',
        '<rect class="says" x="250" y="205" width="500" height="74" rx="8"/>',
        _text(500, 235, "name", "verdict: status, reason, evidence, fix", "middle"),
        _text(500, 259, "small", "joined with what the host can execute, in the rules of its own engine", "middle"),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _layer(number: int, name: str, first: str, second: str, asked: str) -> str:
    left = 16 + number * STEP
    middle = left + BOX // 2
    return "\n".join(
        (
            f'<rect class="{asked}" x="{left}" y="46" width="{BOX}" height="104" rx="8"/>',
            _text(middle, 74, "name", name, "middle"),
            _text(middle, 98, "small", first, "middle"),
            _text(middle, 115, "small", second, "middle"),
            _text(middle, 138, "small", f"asked: {asked}", "middle"),
        )
    )


def _text(left: int, top: int, kind: str, said: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{left}" y="{top}" text-anchor="{anchor}">{escape(said)}</text>'
