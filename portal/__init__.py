"""Familieoverblik: one overview of everyone who helps a family."""
