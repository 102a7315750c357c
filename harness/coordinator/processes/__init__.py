"""The processes that do the work: workers, the starters that fork them, and the devices they can use."""
