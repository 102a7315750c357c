"""What every worker imports: for a starter, which does so once. Imports torch."""

import harness.measure.roofline
import harness.tasks.prepare
import harness.worker.hooks
import harness.worker.layer_hook
import harness.worker.proof.equality
import harness.worker.sessions.layer
import harness.worker.sessions.network
import harness.worker.sessions.probe
import harness.worker.train  # noqa: F401
