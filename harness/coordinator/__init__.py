"""The coordinator: plans a run, starts workers, talks to them, and writes what became of them."""
