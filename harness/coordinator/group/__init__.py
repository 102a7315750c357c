"""The measurement group: subjects measured side by side by the same procedure, and what came of it."""
