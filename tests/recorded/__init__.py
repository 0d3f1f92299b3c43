"""Recorded answers of backends, and a real server that plays them."""
