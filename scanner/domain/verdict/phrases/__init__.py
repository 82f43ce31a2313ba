"""The words of every speaker that tells why a program did not start."""
