"""What the portal is made of: bill of materials, licences, and known holes. Never part of the portal."""
