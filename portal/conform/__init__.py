"""The conformance kit: what the portal will and will not understand of a vendor's service.

It asks with the portal's own adapters and tells types, paths, codes and counts, never content.
"""
