"""Variables of units beside words of their commands, whose expansion a real systemd was asked for."""

from __future__ import annotations

SET = 'Environment=A=1 "B=x y" "C=a \'b c\' \\\\d" E= "Q=\'open" D=$A ${A}'

CASES: dict[str, tuple[str, str]] = {
    "alone": (SET, "$A ${A} $B ${B} $C ${C} $D ${D} $Q ${Q}"),
    "within a word": (SET, "x$A x${A}y ${A}${B} $A$B ${A}$B $A-b $A/b ${A}/b"),
    "empty or unset": (SET, "$E ${E} [${E}] $N ${N} x${N}y end"),
    "in quotes": (SET, "\"$B\" '${B}' \"x $A\" \"${A} ${B}\" '$C'"),
    "dollars": (SET, "$$ $$A $${A} a$$b $$$$ $$$A a$ $"),
    "no names": (SET, "$1 a ${1} b ${} c ${A d $/ e ${A-b} f $A_ g ${A B} h $(x) i $@ j"),
    "operators": (SET, "${A:-b} ${N:-b} ${A:+b} ${A-b} x"),
    "a dash": (SET, "a $- b"),
    "program alone": (SET, ""),
    "last wins": ("Environment=A=1\nEnvironment=A=2", "${A}"),
    "taken back": ("Environment=A=1\nEnvironment=\nEnvironment=B=2", "[${A}] ${B}"),
    "file over settings": ("EnvironmentFile=@FILE@\nEnvironment=F=own G=own", "${F} ${G} ${H} $H"),
    "missing file": ("EnvironmentFile=-/nonexistent/file\nEnvironment=A=1", "${A}"),
    "unset again": ("Environment=A=1 B=2 C=3\nUnsetEnvironment=A B=2 C=4", "[${A}] [${B}] [${C}]"),
    "specifiers": ("Environment=A=%p-x", "${A} %p $$%p"),
    "not expanded": (SET, ":$A ${A}"),
}  # fmt: skip
"""Settings of the service, then the words behind the program."""

FILE = "# a comment\nF=file\nH='a b'\n"
