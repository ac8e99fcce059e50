"""What several benchmarks share: a real cluster to measure on, brought up as the tests do."""
