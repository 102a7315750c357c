"""The conformance suite, carried out in a worker: `harness.plugin.conformance` lists the checks."""
