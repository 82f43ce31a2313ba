"""Lines of ssh_config(5) taken apart as OpenSSH does it."""

from __future__ import annotations

BLANKS = " \t\r\n"
"""OpenSSH's WHITESPACE."""


_SPECIAL = frozenset("'\"\\#\r\n\v\f\x1c\x1d\x1e\x1f")
"""Letters without which a line is words with blanks between them."""


def split_keyword(line: str) -> tuple[str, str]:
    """The keyword in lower case, with the rest of the line; both empty for a line that says nothing."""
    text = line.rstrip(BLANKS + "\f").lstrip(BLANKS)
    if not text or text.startswith("#"):
        return "", ""
    keyword, rest = next_word(text)
    return keyword.lower(), rest.lstrip(BLANKS)


def next_word(text: str) -> tuple[str, str]:
    """The first word, which ends at a blank or one ``=``, or is in double quotes, with what follows (strdelim).

    Raises:
        ValueError: a quote without its end.
    """
    if text.startswith('"'):
        word, end, rest = text[1:].partition('"')
        if not end:
            raise ValueError("has a quote without its end")
        return word, _after_delimiter(rest)
    for at, char in enumerate(text):
        if char in BLANKS or char == "=":
            return text[:at], _after_delimiter(text[at:])
        if char == '"':  # a quote within a word ends it, as in ``host="a b"`` read by strdelim
            return text[:at], text[at:]
    return text, ""


def _after_delimiter(text: str) -> str:
    """Without the blanks, with at most one ``=`` among them."""
    rest = text.lstrip(BLANKS)
    return rest[1:].lstrip(BLANKS) if rest.startswith("=") else rest


def split_words(text: str) -> list[str]:
    r"""The words of a line, up to a comment (argv_split); a backslash quotes only quotes, itself, or a blank.

    Raises:
        ValueError: a quote without its end.
    """
    if _SPECIAL.isdisjoint(text) and text.isascii():
        return text.split()
    words: list[str] = []
    at = 0
    while at < len(text):
        if text[at] in " \t":
            at += 1
        elif text[at] == "#":
            break
        else:
            word, at = _word(text, at)
            words.append(word)
    return words


def _word(text: str, at: int) -> tuple[str, int]:
    taken: list[str] = []
    quote = ""
    while at < len(text):
        char, following = text[at], text[at + 1 : at + 2]
        if char == "\\" and following and (following in "'\"\\" or (following == " " and not quote)):
            taken.append(following)
            at += 1
        elif not quote and char in " \t":
            break
        elif not quote and char in "'\"":
            quote = char
        elif quote and char == quote:
            quote = ""
        else:
            taken.append(char)
        at += 1
    if quote:
        raise ValueError("has a quote without its end")
    return "".join(taken), at


def fits(text: str, pattern: str) -> bool:
    """Whether a pattern of ``*`` with ``?`` fits; upper case is another case (match_pattern)."""
    at = position = 0
    star, resume = -1, 0
    while at < len(text):
        char = pattern[position : position + 1]
        if char == "*":
            star, resume = position, at
            position += 1
        elif char and char in {"?", text[at]}:
            at, position = at + 1, position + 1
        elif star >= 0:  # one character more belongs to the last star
            resume += 1
            at, position = resume, star + 1
        else:
            return False
    return not pattern[position:].strip("*")


def fits_list(text: str, patterns: str) -> bool:
    """Whether some pattern of a comma-separated list fits, while no negated one does (match_pattern_list)."""
    found = False
    for pattern in patterns.split(","):
        if pattern.startswith("!") and fits(text, pattern[1:]):
            return False
        found = found or (not pattern.startswith("!") and fits(text, pattern))
    return found


def fits_host(name: str, patterns: str) -> bool:
    """As ``fits_list`` for host names, which are the same in any case (match_hostname)."""
    return fits_list(name.lower(), patterns.lower())


def is_pattern(word: str) -> bool:
    """Whether a word of a Host line names no single host."""
    return word.startswith("!") or "*" in word or "?" in word
