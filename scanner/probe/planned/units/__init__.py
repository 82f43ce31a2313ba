"""Units of systemd, with Podman's quadlets among them."""
