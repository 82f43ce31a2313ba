"""OpenSSH client configurations, as ssh itself finds what holds for one host."""
