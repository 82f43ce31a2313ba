"""What a release is made of, beside the code: its list of parts, its checksums."""
