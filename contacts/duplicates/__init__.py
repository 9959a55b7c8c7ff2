"""Which contacts, and which companies, may be the same.

settling.py   what a merge and its undo mean for the pairs that were found
"""
