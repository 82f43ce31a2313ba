"""What is remembered between scans."""
