"""The exit codes of `harness`; scripts and CI tell outcomes apart by them."""

OK = 0
FAILED = 1
USAGE = 2
NOTHING_MEASURED = 3
INTERRUPTED = 130
