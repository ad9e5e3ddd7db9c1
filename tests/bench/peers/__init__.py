"""The audit packages beside which a create is measured, each with settings of its own.

All create the same row of nine columns in a loop of the same form; Lethe's side adds one call.
"""
