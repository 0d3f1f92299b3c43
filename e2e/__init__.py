"""Journeys in a real browser: what each kind of user meets, over real HTTP, from login to logout."""
