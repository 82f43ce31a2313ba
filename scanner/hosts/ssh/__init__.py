"""How a host is reached: the only place that knows asyncssh."""

from scanner.hosts.setup import authorized_key_line, sudoers_rule
from scanner.hosts.ssh.config import SshConfig
from scanner.hosts.ssh.connection_pool import ConnectionPool
from scanner.hosts.ssh.trust import TrustError

__all__ = ["ConnectionPool", "SshConfig", "TrustError", "authorized_key_line", "sudoers_rule"]
