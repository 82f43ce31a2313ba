"""How a host is reached: the only place that knows asyncssh."""

from scanner.hosts.setup import authorized_key_line, sudoers_rule
from scanner.hosts.ssh.config import SshConfig
from scanner.hosts.ssh.connection_pool import Fleet
from scanner.hosts.ssh.trust import TrustError

__all__ = ["Fleet", "SshConfig", "TrustError", "authorized_key_line", "sudoers_rule"]
