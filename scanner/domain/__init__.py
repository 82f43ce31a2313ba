"""What is true: pure values, judged without network, disk or clock."""
