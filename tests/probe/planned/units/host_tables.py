"""Tables of cron, anacron, supervisord and Monit, which their owners were asked about (``record_tables.py``)."""

SUPERVISORD = {
    "a program": {"supervisord.conf": "[program:a]\ncommand=docker run r.example/a 'b c' ; d\n"},
    "comments": {"supervisord.conf": "[program:a]\ncommand=docker run a#b c;d  #e\n;command=docker run f\n[program:b]\n command = docker\n   run ; x\n   # y\n   b\n"},
    "names": {"supervisord.conf": "[program:a]\ncommand=docker run %(here)s/%(program_name)s:%(ENV_TAG)s 10%%\nenvironment=TAG=\"2\",B='x y'\n"},
    "names of the daemon": {"supervisord.conf": "[supervisord]\nenvironment=TAG=3,C=4\nuser=daemon\n[program:a]\ncommand=docker run a:%(ENV_TAG)s\nenvironment=C=5\n[program:b]\nCommand: docker run b\nUSER = root\n"},
    "words": {"supervisord.conf": "[program:a]\ncommand=bash -c \"docker run 'a b' $X\" \\\\ x\\ y\ndirectory=/\n"},
    "other sections": {"supervisord.conf": "[eventlistener:b]\nevents=EVENT\ncommand=docker run b\n[fcgi-program:c]\nsocket=tcp://localhost:9000\ncommand=docker run c\n[group:g]\nprograms=c\n[x]\ncommand=docker run x\n"},
    "included": {
        "supervisord.conf": "[include]\nfiles = conf.d/*.conf\n  more.ini %(here)s/../srv/?.ini nothing/*\n[program:a]\ncommand=docker run a\n",
        "conf.d/b.conf": "[program:b]\ncommand=docker run b\n[include]\nfiles = ../deeper.conf\n",
        "conf.d/.c.conf": "[program:c]\ncommand=docker run c\n",
        "more.ini": "[program:d]\ncommand=docker run %(here)s d\n",
        "deeper.conf": "[program:e]\ncommand=docker run e\n",
        "../srv/f.ini": "[program:f]\ncommand=docker run %(here)s f\n",
        "../srv/gg.ini": "[program:g]\ncommand=docker run g\n",
    },
    "refused": {"supervisord.conf": "[program:a]\ncommand=docker run a\nno setting\n"},
}  # fmt: skip
"""Files of one configuration by their paths beside it."""

CHECK = "check process x with pidfile /run/x\n"
MONIT = {
    "usual": {"monitrc": f'{CHECK} start program = "/bin/ls docker run a" with timeout 5 seconds\n stop program "/bin/ls b"\n'},
    "without program": {"monitrc": f'{CHECK} START = "/bin/ls a" as uid "daemon" and gid "daemon"\n restart "/bin/ls b" as uid 1\n'},
    "alone": {"monitrc": f"{CHECK} start /bin/ls\n stop program /bin/cat\n if does not exist then exec /bin/date\n"},
    "together": {"monitrc": f'{CHECK} startprogram="/bin/ls a" if does not exist then exec "/bin/ls b" as uid root and repeat every 2 cycles\n if failed port 1 then execute "/bin/ls c" else if succeeded then exec "/bin/ls d"\n'},
    "words": {"monitrc": f"{CHECK} start \"/bin/sh -c 'docker run \\t x' y'z w\\ v $X\n  last\" # \"/bin/ls n\"\n"},
    "programs": {"monitrc": 'check program p with path "/bin/ls x"\n if status != 0 then alert\ncheck program q path /bin/ls timeout 5 seconds\n every "* 0-5 * * *"\n if changed status then exec "/bin/ls y"\n'},
    "included": {
        "monitrc": 'include "@HERE@/d/*"\nINCLUDE @HERE@/x/?.mon # z\n',
        "d/a": f'{CHECK} start "/bin/ls a"\n include @HERE@/deep/*\n',
        "d/b~": f'{CHECK.replace("x ", "y ")} start "/bin/ls b"\n',
        "deep/c": 'check program c path "/bin/ls c"\n if status != 0 then alert\n',
        "x/d.mon": 'check program d path "/bin/ls d"\n if status != 0 then alert\n',
        "x/ee.mon": 'check program e path "/bin/ls e"\n if status != 0 then alert\n',
    },
    "a quoted name": {"monitrc": f"{CHECK} start '/bin/ls docker run a'\n"},
}  # fmt: skip

CRON = {
    "a table of all": ("cron.d", "A=1\n@reboot root docker run a\nA = ' 2'\n@reboot daemon docker run \"b  c\" \\%x\\ %y%z\n"),
    "blanks": ("cron.d", "\tA\t=\t3\n  @reboot\troot\tdocker  run a  \n'B'=\"4\"\n@reboot root C=5 docker run d\n# @reboot root docker run e\n"),
    "a user's": ("crontabs/daemon", "HOME=/\n@reboot docker run a %b\n@reboot  root docker run\n"),
}  # fmt: skip
"""Where a table lies, what stands in it: at boot, so that cron runs it at once."""

ANACRON = {
    "lines": "A=1\n1 0 x docker run a\nA = 2\n@monthly 0 y.z docker  run b%c\n 7\t0\tw\tdocker run \\\n  d\n",
}
