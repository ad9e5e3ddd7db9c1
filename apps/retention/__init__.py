"""Until when each record may be kept, and why: packs, policies, holds, grounds, due.

Decides; never acts. Refuses a malformed pack, enforcing a policy two people have not signed,
and calling anything due that it cannot decide. Called by erasure and the doors.
"""
