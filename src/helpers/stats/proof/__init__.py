"""How far the numbers can be trusted: agreement with reference values, coverage of intervals, size of tests."""
