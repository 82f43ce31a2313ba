"""Files of variables that four grammars read in four ways."""

OUTSIDE = {"OUTER": "outside", "EMPTY_OUTER": "", "OUTER_TWO": "two"}
"""The environment of whoever starts the engine."""

TEXTS = (
    "A=1\n", "A=1", "A=", "A=\nB=2\n", "\n\n  A=1\n\tB=2\n", "A=1\r\nB=2\r\n", "\ufeffA=1\n", "A=1\nA=2\n",
    "# comment\nA=1\n", "  # comment\nA=1\n", "; comment\nA=1\n", "A=1 # comment\n", "A=1#no comment\n", "A=#x\n",
    "A= # x\n", "A=1\t# tab\n", "A = 1\n", "A =1\n", "A= 1\n", "A=1   \n", "A=a b  c \n", "A\t=\t1\n",
    "export A=1\n", "export  A = 1 \n", "export\tA=1\n", "export\nA=1\n", "exportA=1\n", "export A\n", "export ", "export=1\n",
    "export OUTER\nA=$OUTER\n", "OUTER\n", "OUTER", "NOWHERE\nA=1\n", "NOWHERE", "OUTER \nA=1\n", "EMPTY_OUTER\n", "OUT*\n", "*\n",
    "A='single'\n", "A='it''s'\n", "A='a \\' b'\n", "A='a\nb'\nB=2\n", "A='open\nB=2\n", "A='$OUTER'\n", "A='a\\nb'\n",
    "A='x' # comment\nB=2\n", "A='x'y\n", "A='x' B=2\n", "A=x'y'\n", "A=''\n", "A='\\\\'\n", "A='# x'\n",
    'A="double"\n', 'A="a \\" b"\n', 'A="a\nb"\nB=2\n', 'A="open\nB=2\n', 'A="$OUTER"\n', 'A="\\$OUTER"\n', 'A="$$OUTER"\n',
    'A="a\\nb\\tc\\rd"\n', 'A="\\a\\b\\c\\f\\v"\n', 'A="\\0101\\0351\\012\\0\\0400\\08"\n', 'A="\\x41\\u00e9"\n', 'A="\\\\n"\n',
    'A="\\\\\\""\n', 'A="a\\\nb"\n', 'A="x" # comment\nB=2\n', 'A="x"y\n', 'A="x" "y"\n', 'A="x"\'y\'z\n', 'A=x "y"\n', 'A=""\n',
    'TAG=1\nNOTE="two\nTAG=9\nlines"\n', "TAG=1\nNOTE='two\nTAG=9\nlines'\n", "A=one \\\ntwo\nB=3\n", "A=one\\\n  two\n", "A=\\\nB=2\n", "A=x\\y\\\\z\n",
    "A=`x`\n", "A=$(x)\n", "A=\\$OUTER\n", "A=$OUTER\n", "A=${OUTER}-x\n", "A=x\nB=$A-y\n", "A=x\nB=${A}-y\nC=$B$B\n",
    "A=${NOWHERE:-d}\n", "A=${NOWHERE-d}\n", "A=${OUTER:+y}\n", "A=${NOWHERE:+y}\n", "A=${EMPTY_OUTER:-d}\n", "A=${EMPTY_OUTER-d}\n",
    "A=${NOWHERE:?must}\n", "A=${OUTER:?must}\n", "A=${OUTER?must}\n", "A=${}\n", "A=${\n", "A=${A\n", "A=$\n", "A=$5\n", "A=$$\n", "A=a$$b\n",
    "A=${NOWHERE:-${OUTER:-x}}\n", "A=${NOWHERE:-a}b}\n", "A=${NOWHERE:-{}}\n", "A=${NOWHERE:-'q'}\n", 'A="${NOWHERE:-a b}"\n',
    "OUTER=mine\nA=$OUTER\n", "D: 5\n", "D:5\n", "D : 5\n", "D:\n", "A=b:c\n", "A:b=c\n", "A=b=c\n", "=x\n", "=\n", " =x\n",
    "A B=1\n", "A-B=1\n", "A.B=1\n", "A[0]=1\n", "1A=1\n", "Ä=1\n", "A=ä\n", "A!=1\n", "A/B=1\n", "A+=1\n", "A,B=1\n", "_=1\n",
    "A=1;B=2\n", "A=1\nnonsense\nB=2\n", "A=1\nnon sense\nB=2\n", "A=1\n\x0b\x0cB=2\n", "A=1\u2003\nB=2\n", "\u00a0A=1\n", "A=\u00a01\n",
    "# c\\\nA=1\nB=2\n", "# c \\x\nA=1\n", "A=1 # c\\\nB=2\n", "A=a\x01b\n", "A=a\x7fb\n", "A=a\rb\nB=2\n", 'A="x\n', 'A=x"\n', 'A=""x""\n', "A=x\\", 'A="x\\',
)  # fmt: skip

BYTES = (
    b"A=\xff\n",
    b"\xff=1\n",
    b"A=1\n# \xff\nB=2\n",
    b"A=a\0b\n",
    b"A=" + b"x" * 65534 + b"\n",
    b"A=" + b"x" * 65533 + b"\n",
)
"""No text, or too long a line."""

EVERY = (*(text.encode() for text in TEXTS), *BYTES)

LONG_CHARS = 100
"""Longer variables are recorded by their length."""


def shortened(variable: str) -> str:
    """A variable as the recorded answers have it."""
    return variable if len(variable) <= LONG_CHARS else f"{variable.partition('=')[0]}=({len(variable)} characters)"
