"""The applets that builds of busybox have, which only running it tells of any one of them."""

from __future__ import annotations

import re

TABLE_BYTES = 8 * 1024
"""Of the table of applets that stands in busybox itself, its names in order: the largest builds have 3 KiB."""

TABLE_BEGINS = b"\0[\0[[\0"
_TABLE = re.compile(rb"\0((?:[\w.+\[-]{1,40}\0)+)\0", re.ASCII)


def applets_in(table: bytes) -> frozenset[str] | None:
    """The names in the table, ``None`` where it is none, or none that ends."""
    match = _TABLE.match(table)
    return frozenset(match[1].decode("ascii").rstrip("\0").split("\0")) if match else None


APPLETS = frozenset({
    "[", "[[", "acpid", "adjtimex", "arch", "arp", "arping", "ash", "awk", "base64", "basename", "blkdiscard",
    "blockdev", "brctl", "bunzip2", "busybox", "bzcat", "bzip2", "cal", "cat", "chgrp", "chmod", "chown", "chroot",
    "clear", "cmp", "cp", "cpio", "crond", "crontab", "cut", "date", "dd", "depmod", "df", "diff", "dirname",
    "dmesg", "dnsdomainname", "dos2unix", "du", "dumpkmap", "dumpleases", "echo", "ed", "egrep", "env", "expand",
    "expr", "factor", "fallocate", "false", "fatattr", "fdisk", "fgrep", "find", "findfs", "fold", "free", "fstrim",
    "getopt", "getty", "grep", "groups", "gunzip", "gzip", "halt", "head", "hexdump", "hostid", "hostname", "id",
    "ifconfig", "ifdown", "ifup", "init", "insmod", "ionice", "ip", "ipcalc", "ipneigh", "kill", "killall", "klogd",
    "less", "link", "linuxrc", "ln", "loadfont", "loadkmap", "logger", "login", "logname", "logread", "losetup",
    "ls", "lsmod", "lsscsi", "lzcat", "lzma", "md5sum", "mdev", "mkdir", "mke2fs", "mkfifo", "mknod", "mkswap",
    "mktemp", "modinfo", "modprobe", "more", "mount", "mv", "nameif", "nc", "netstat", "nl", "nologin", "nproc",
    "nslookup", "nuke", "od", "openvt", "passwd", "paste", "pidof", "ping", "ping6", "pivot_root", "poweroff",
    "printf", "ps", "pwd", "rdate", "readlink", "realpath", "reboot", "renice", "reset", "rev", "rm", "rmdir",
    "rmmod", "route", "run-parts", "sed", "seq", "setsid", "sh", "sha1sum", "sha256sum", "sha3sum", "sha512sum",
    "shred", "shuf", "sleep", "sort", "stat", "strings", "stty", "su", "swapoff", "swapon", "switch_root", "sync",
    "sysctl", "syslogd", "tac", "tail", "tar", "tee", "test", "timeout", "top", "touch", "tr", "traceroute",
    "traceroute6", "true", "truncate", "tty", "udhcpc", "umount", "uname", "uncompress", "unexpand", "uniq",
    "unix2dos", "unlink", "unlzma", "unshare", "unxz", "unzip", "uptime", "vconfig", "vi", "watch", "watchdog",
    "wc", "wget", "which", "who", "whoami", "xargs", "xxd", "xz", "xzcat", "yes", "zcat",
})  # fmt: skip
"""Those of Debian's build (1.35) that Alpine's has as well: so do the larger builds of busybox' own images."""

RARER_APPLETS = frozenset({
    "add-shell", "addgroup", "adduser", "ar", "ascii", "base32", "bc", "beep", "blkid", "bootchartd", "chat",
    "chattr", "chpasswd", "chpst", "chrt", "chvt", "cksum", "comm", "conspy", "crc32", "cryptpw", "cttyhack", "dc",
    "deallocvt", "delgroup", "deluser", "devmem", "dhcprelay", "dnsd", "dpkg", "dpkg-deb", "eject", "envdir",
    "envuidgid", "ether-wake", "fakeidentd", "fbset", "fbsplash", "fdflush", "fdformat", "fgconsole", "flock",
    "freeramdisk", "fsck", "fsck.minix", "fsfreeze", "fsync", "ftpd", "ftpget", "ftpput", "fuser", "hd", "hdparm",
    "hexedit", "httpd", "hush", "hwclock", "i2cdetect", "i2cdump", "i2cget", "i2cset", "i2ctransfer", "ifenslave",
    "ifplugd", "inetd", "inotifyd", "install", "iostat", "ipaddr", "ipcrm", "ipcs", "iplink", "iproute", "iprule",
    "iptunnel", "kbd_mode", "killall5", "last", "linux32", "linux64", "lpd", "lpq", "lpr", "lsattr", "lsof",
    "lspci", "lsusb", "lzop", "makedevs", "makemime", "man", "mesg", "microcom", "mim", "mkdosfs", "mkfs.ext2",
    "mkfs.minix", "mkfs.vfat", "mkpasswd", "mountpoint", "mpstat", "mt", "nanddump", "nandwrite", "nbd-client",
    "nice", "nmeter", "nohup", "nsenter", "ntpd", "partprobe", "patch", "pgrep", "pipe_progress", "pkill", "pmap",
    "popmaildir", "powertop", "printenv", "pscan", "pstree", "pwdx", "raidautorun", "rdev", "readahead",
    "readprofile", "reformime", "remove-shell", "resize", "resume", "rpm", "rpm2cpio", "rtcwake", "run-init",
    "runlevel", "runsv", "runsvdir", "rx", "script", "scriptreplay", "seedrng", "sendmail", "setarch", "setconsole",
    "setfattr", "setfont", "setkeycodes", "setlogcons", "setpriv", "setserial", "setuidgid", "showkey", "slattach",
    "smemcap", "softlimit", "split", "ssl_client", "start-stop-daemon", "sulogin", "sum", "sv", "svc", "svlogd",
    "svok", "taskset", "tc", "tcpsvd", "telnet", "telnetd", "tftp", "tftpd", "time", "tree", "ts", "tsort",
    "ttysize", "tunctl", "tune2fs", "ubirename", "udhcpc6", "udhcpd", "udpsvd", "uevent", "users", "usleep",
    "uudecode", "uuencode", "vlock", "volname", "w", "wall", "whois", "zcip",
})  # fmt: skip
"""Those that only some builds have; Debian's lacks nice, nohup, flock, the tools of runit."""
