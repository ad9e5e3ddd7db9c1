"""Plans, steps, read-back, evidence, certificates: the room that acts through the ATS.

Refuses to act without an approval, inside the grace, on a changed record, or under a hold;
refuses to call anything erased that it has not read back. Called by the doors and its ticks.
"""
