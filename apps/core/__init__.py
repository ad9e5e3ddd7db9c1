"""Foundation: scope, crypto, canonical JSON, base models, errors, grants.

Owns no table and knows nothing of recruiting, of the law or of HTTP.
Refuses to work without a scope, without a root key, or on bad input: it fails closed.
Called by every room; calls none.
"""
