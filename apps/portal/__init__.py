"""The candidates' door: one page behind a signed link, in their language.

Shows no name and no data: a link can be forwarded. A GET does nothing, because mail scanners open
links; what is said is said by POST. Called by candidates, who have no account.
"""
