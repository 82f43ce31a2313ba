"""How a host is reached: the only place that knows asyncssh."""

from scanner.ssh.config import SshConfig
from scanner.ssh.fleet import Fleet
from scanner.ssh.setup import authorized_key_line, sudoers_rule
from scanner.ssh.trust import TrustError

__all__ = ["Fleet", "SshConfig", "TrustError", "authorized_key_line", "sudoers_rule"]
