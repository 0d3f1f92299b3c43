"""Who is at the keyboard: the OpenID Connect client and the server-side sessions."""
