"""Keeping a store for years: the doctor's checks, backups and their retention, restoring, erasing for good.

Everything here is handed what it works on; there is no SQL and no opening of parts. Leaves out the joining (`brain.app`).
"""
