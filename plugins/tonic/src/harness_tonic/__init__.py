"""Event data as tasks of the harness, loaded by tonic."""
