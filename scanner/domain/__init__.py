"""What is true: pure values and judgements that know no network, disk or clock."""
