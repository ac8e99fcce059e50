"""Java sources of single classes; those of the listener are in a place of their own."""
