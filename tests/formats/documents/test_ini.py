"""supervisord's configuration, against the parser of Python's that reads it there."""

from configparser import Error, RawConfigParser

from hypothesis import given
from hypothesis import strategies as st

from scanner.formats.documents import ini

LINES = st.sampled_from([
    "[a]", "[b:c]", "[a] ; x", " [b]", "[]", "[a]]", "k=v", "k: v", "K = v=w", "k=", "=v", "word", " more", "\tk=v ; c", "",
    "  ", "# c", "; c", " ; c", "k=v ;c", "k=v;c", "k=a#b #c", "k=a#b #c ;d", "k=a ;b #c", "k=v #", "\r", "k=v\r",
])  # fmt: skip


def by_python(text):
    parser = RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    try:
        parser.read_string(text)
    except Error:
        return None
    return {section: dict(parser.items(section)) for section in parser.sections()}


@given(st.lists(LINES, max_size=8).map("\n".join))
def test_a_configuration_is_read_as_python_reads_it(text):
    sections = ini.Sections()
    try:
        ini.read(text, sections)
    except ini.RefusedError:
        sections = None
    assert sections == by_python(text)
