"""What a host is meant to run, as its files say."""
