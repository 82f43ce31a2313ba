"""What layers hold: streams, tables of contents, the view of one root file system."""
