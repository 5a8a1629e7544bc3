"""Shared fixtures: each area has its own file, named here by one line."""
