"""No audit at all: the limit."""
