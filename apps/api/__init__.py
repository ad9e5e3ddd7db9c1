"""The machines' door: HTTP in, services called, problem details out (RFC 9457).

Owns no table and no rule: authentication, paging, shapes, languages and status codes only.
Refuses names, e-mails and phones in answers and in URLs: ids only.
Called by integrators with a scoped key (/api/v1), and by ATSs (/webhooks).
"""
