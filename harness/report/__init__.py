"""Tables, figures, report.md and report.html, made from a run's records alone."""
