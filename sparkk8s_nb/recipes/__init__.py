"""Manifests for administrators, made of values and printed as YAML: nothing here talks to a cluster."""
