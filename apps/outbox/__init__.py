"""What else leaves the house: e-mails and signed webhooks, written with their cause, delivered with
retries. Holds which message about what, never whom or what it says: that is rendered at delivery.
Refuses to print a mail where there is no mail server, and to forget one it could not deliver.
Called by the rooms above, whose kinds of messages are declared in `kinds`.
"""
