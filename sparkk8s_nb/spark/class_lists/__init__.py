"""Names of the classes that a driver and an executor load, for their archives; ``make class-lists`` writes them."""
