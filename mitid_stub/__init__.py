"""A small real OpenID provider that behaves as the broker was recorded, so that the portal meets
at home what it will meet in the field."""
