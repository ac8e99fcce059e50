"""Sources of single Java classes; those of the listener are in a place of their own."""
