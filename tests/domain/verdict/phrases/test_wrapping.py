"""What collectors put around a line, taken off."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.verdict.phrases.wrapping import MAX_CANDIDATES, bare, candidates, unquoted

SAID = "exec /app: exec format error"


@pytest.mark.parametrize(
    "line",
    [
        SAID,
        f"  {SAID}\r",
        f"\x1b[31m{SAID}\x1b[0m",
        f"2024-05-04T09:12:33.123456789Z {SAID}",
        f"2024-05-04T09:12:33.123456789+00:00 stderr F {SAID}",
        f"May  4 09:12:33 web-1 api[812]: {SAID}",
        f"[2024-05-04 09:12:33,123] [ERROR] {SAID}",
        f"api-1  | {SAID}",
        f"shop_api.1.xk2f3j4h5g6d@web-1    | {SAID}",
        f"[pod/api-6d4cf56db6-x2x7z/api] {SAID}",
        f"#12 0.345 {SAID}",
        f"docker: Error response from daemon: {SAID}: unknown.",
        f"ERRO[0003] {SAID}",
        f"##[error]{SAID}",
        f'{{"log":"{SAID}\\n","stream":"stderr"}}',
        f'time="2024-05-04T09:12:33Z" level=error msg="{SAID}"',
        f'{{"msg":"{{\\"msg\\":\\"{SAID}\\"}}"}}',
    ],
)
def test_the_speaker_s_own_words_are_found(line):
    assert SAID in candidates(line)


@given(st.text())
def test_what_is_behind_a_prefix_or_between_quotes_is_part_of_the_line(line):
    assert candidates(line)[0] == unquoted(line)[0] == bare(line)
    assert len(candidates(line)) <= MAX_CANDIDATES
    assert len(unquoted(line)) <= MAX_CANDIDATES
