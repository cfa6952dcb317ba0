"""What bench/run can do."""
