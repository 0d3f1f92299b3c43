"""Measures the portal against its limits, over real HTTP: `python -m bench [figure ...]`."""
