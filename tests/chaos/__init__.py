"""Faults, injected: processes killed, Redis wiped, events told twice. Expected: the state of an undisturbed run."""
