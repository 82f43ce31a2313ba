"""Units with their drop-ins; U stands for a name that no other case has, the value is the text of each file."""

from __future__ import annotations

S = "[Service]\nType=oneshot\n"
E = S + "ExecStart=/bin/echo own\n"


def one(text: str) -> dict[str, str]:
    return {"etc/U.service": text}


CASES: dict[str, dict[str, str]] = {
    "plain": one(E),
    "spaces around": one("  [Service]\nType = oneshot\n  ExecStart =  /bin/echo a  \n"),
    "comments": one("#x\n;y\n" + S + "#ExecStart=/bin/echo no\nExecStart=/bin/echo a # b ; c\n"),
    "several": one(S + "ExecStart=/bin/echo a\nExecStart=/bin/echo b\n"),
    "reset": one(S + "ExecStart=/bin/echo a\nExecStart=\nExecStart=/bin/echo b\n"),
    "reset of one key": one(E + "ExecStartPre=/bin/echo pre\nExecStartPre=\n"),
    "keys": one(
        E + "ExecStartPre=/bin/echo 1\nExecStartPost=/bin/echo 2\nExecReload=/bin/echo 3\nExecStop=/bin/echo 4\n"
        "ExecStopPost=/bin/echo 5\nExecCondition=/bin/echo 6\n"
    ),
    "prefixes": one(S + "ExecStart=-/bin/echo a\nExecStart=+/bin/echo b\nExecStart=!/bin/echo c\nExecStart=:/bin/echo d\nExecStart=-+:/bin/echo e\n"),
    "another name": one(S + "ExecStart=@/bin/echo name a b\n"),
    "quotes": one(S + "ExecStart=/bin/echo \"a b\" 'c d' e\"f g\"h i'j'k\n"),
    "quotes in quotes": one(S + "ExecStart=/bin/sh -c 'docker run \"a b\" -e \\'x\\''\n"),
    "empty words": one(S + "ExecStart=/bin/echo \"\" '' a\n"),
    "escapes": one(S + "ExecStart=/bin/echo a\\tb \\x41 \\101 \\u00e9 \\s \"\\\"\" '\\'' \\\\ \\a\n"),
    "unknown escape": one(S + 'ExecStart=/bin/echo a\\.b "\\$x" \\q\n'),
    "open quote": one(S + 'ExecStart=/bin/echo "a b\n'),
    "a backslash at the end": one(S + "ExecStart=/bin/echo a\\\\\nExecStart=/bin/echo b\n"),
    "continued": one(S + "ExecStart=/bin/echo a \\\n  b \\\n\tc\n"),
    "continued within a word": one(S + "ExecStart=/bin/echo a\\\nb\n"),
    "continued over comments": one(S + "ExecStart=/bin/echo a \\\n# no\n  ; no\n  b\n"),
    "continued over a blank line": one(S + "ExecStart=/bin/echo a \\\n\nExecStart=/bin/echo b\n"),
    "continued with spaces behind": one(S + "ExecStart=/bin/echo a \\ \nExecStart=/bin/echo b\n"),
    "continued at the end": one(S + "ExecStart=/bin/echo a \\"),
    "continued in quotes": one(S + "ExecStart=/bin/sh -c 'a; \\\n  b'\n"),
    "semicolons": one(S + "ExecStart=/bin/echo a ; /bin/echo b;c ; /bin/echo d\n"),
    "escaped semicolons": one(S + "ExecStart=/bin/echo a \\; b ';' c \";\"\n"),
    "semicolon at the end": one(S + "ExecStart=/bin/echo a ;\n"),
    "percent": one(S + "ExecStart=/bin/date +%%s 100%\n"),
    "specifiers of the name": one(S + "ExecStart=/bin/echo %n %N %p %P %j %J [%i]\n"),
    "specifiers of directories": one(S + "ExecStart=/bin/echo %t %S %C %L %E %T %V\n"),
    "specifiers of the user": one(S + "ExecStart=/bin/echo %h %u %U %g %G\n"),
    "specifier within quotes": one(S + "ExecStart=/bin/sh -c 'x %n-y'\n"),
    "dashes in the name": {"etc/U-b-c.service": S + "ExecStart=/bin/echo %n %p %P %j %J\n"},
    "instance": {"etc/U@.service": S, "etc/U@a-b.service": S + "ExecStart=/bin/echo %n %N %p %i %I\n"},
    "escaped instance": {"etc/U@a\\x2db-c.service": S + "ExecStart=/bin/echo %i %I\n"},
    "environment": one(E + "Environment=A=b \"C=d e\" 'F=g'\nEnvironment=A=2\n"),
    "environment reset": one(E + "Environment=A=b\nEnvironment=\nEnvironment=C=d\n"),
    "environment escapes": one(E + 'Environment="A=b\\tc" D=\\x41 E=a=b\n'),
    "environment of no name": one(E + "Environment=A 1B=c =x D=e\n"),
    "environment specifiers": one(E + 'Environment=A=%n "B=%p x" C=%%\n'),
    "environment with an open quote": one(E + 'Environment=A=b "C=d\nEnvironment=E=f\n'),
    "no section": {"etc/U.service": "ExecStart=/bin/echo a\n" + E},
    "unknown section": one("[X-Other]\nExecStart=/bin/echo no\n" + E + "[Other]\nExecStart=/bin/echo no\n"),
    "line without =": one(E + "what\nExecStartPre=/bin/echo a\n"),
    "unclosed section": one(E + "[Service\nExecStartPre=/bin/echo a\n"),
    "more than one without oneshot": one("[Service]\nExecStart=/bin/echo a\nExecStart=/bin/echo b\n"),
    "carriage returns": one(S.replace("\n", "\r\n") + "ExecStart=/bin/echo a\r\n"),
    "drop-in": {**one(E), "etc/U.service.d/x.conf": "[Service]\nExecStart=\nExecStart=/bin/echo over\n"},
    "drop-ins by name": {
        **one(E),
        "etc/U.service.d/20.conf": "[Service]\nExecStart=/bin/echo 20\n",
        "etc/U.service.d/10.conf": "[Service]\nExecStart=/bin/echo 10\n",
        "etc/U.service.d/30.txt": "[Service]\nExecStart=/bin/echo no\n",
    },
    "drop-ins of three directories": {
        **one(E),
        "usr/U.service.d/10.conf": "[Service]\nExecStart=/bin/echo usr10\n",
        "run/U.service.d/10.conf": "[Service]\nExecStart=/bin/echo run10\n",
        "run/U.service.d/05.conf": "[Service]\nExecStart=/bin/echo run05\n",
        "etc/U.service.d/20.conf": "[Service]\nExecStart=/bin/echo etc20\n",
        "usr/U.service.d/20.conf": "[Service]\nExecStart=/bin/echo usr20\n",
    },
    "unit of three directories": {
        "usr/U.service": S + "ExecStart=/bin/echo usr\n",
        "run/U.service": S + "ExecStart=/bin/echo run\n",
        "etc/U.service": E,
    },
    "unit of two directories": {"usr/U.service": S + "ExecStart=/bin/echo usr\n", "run/U.service": S + "ExecStart=/bin/echo run\n"},
    "masked": {"usr/U.service": E, "etc/U.service": ""},
    "masked drop-in": {**one(E), "usr/U.service.d/10.conf": "[Service]\nExecStart=/bin/echo no\n", "etc/U.service.d/10.conf": ""},
    "drop-ins of prefixes": {
        "etc/U-a-b.service": E,
        "etc/U-.service.d/10.conf": "[Service]\nExecStart=/bin/echo u10\nEnvironment=A=u\n",
        "etc/U-a-.service.d/10.conf": "[Service]\nExecStart=/bin/echo ua10\n",
        "etc/U-a-b.service.d/20.conf": "[Service]\nExecStart=/bin/echo uab20\n",
        "run/U-a-b.service.d/10.conf": "[Service]\nExecStart=/bin/echo run10\n",
    },
    "drop-ins of templates": {
        "etc/U@.service": E,
        "etc/U@x.service.d/10.conf": "[Service]\nExecStart=/bin/echo instance %i\n",
        "etc/U@.service.d/10.conf": "[Service]\nExecStart=/bin/echo template\n",
        "etc/U@.service.d/20.conf": "[Service]\nExecStart=/bin/echo template20 %i\n",
    },
    "drop-ins of prefixes of templates": {
        "etc/U-a@.service": E,
        "etc/U-a@x.service.d/30.conf": "[Service]\nExecStart=/bin/echo 30 %i\n",
        "etc/U-@x.service.d/10.conf": "[Service]\nExecStart=/bin/echo 10\n",
        "etc/U-@.service.d/20.conf": "[Service]\nExecStart=/bin/echo 20\n",
        "etc/U-.service.d/40.conf": "[Service]\nExecStart=/bin/echo 40\n",
    },
    "drop-in with a broken line": {**one(E), "etc/U.service.d/10.conf": "[Service]\nwhat\nExecStart=/bin/echo 10\n"},
    "drop-in without a section": {**one(E), "etc/U.service.d/10.conf": "ExecStart=/bin/echo 10\n"},
    "a semicolon first": one(S + "ExecStart=; /bin/echo a\n"),
    "a prefix alone": one(S + "ExecStart=- /bin/echo a\nExecStart=/bin/echo b\n"),
    "a program that is no path from the root": one(S + "ExecStart=bin/echo a\n"),
    "a program that is no path, and may fail": one(S + "ExecStart=/bin/echo a\nExecStart=-bin/echo b ; /bin/echo c\n"),
    "a program that is a directory": one(S + "ExecStart=/bin/ a\n"),
    "nothing to start": one("[Service]\nExecStartPre=/bin/echo a\n"),
    "nothing to start any more": one("[Service]\nExecStart=/bin/echo a\nExecStart=\n"),
    "nothing but a stop": one(S + "RemainAfterExit=yes\nExecStop=/bin/echo a\n"),
    "a carriage return alone": one(S + "ExecStart=/bin/echo a\rExecStart=/bin/echo b\n"),
    "hidden drop-in": {**one(E), "etc/U.service.d/.x.conf": "[Service]\nExecStart=/bin/echo hidden\n"},
}  # fmt: skip
