"""Keeping a store for years: the doctor's checks, backups and their retention, restoring, erasing for good.

Works on the store and the index; there is no SQL here (`brain.store`), and nothing that is opened (`brain.app`).
"""
