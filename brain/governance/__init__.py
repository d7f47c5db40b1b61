"""What may leave this machine, who says so, what it may cost, and the record of it.

`ledger` keeps the record, `budget` the money, `policy` the rules that a person reads and changes. Leaves out every
model and every connection but the one way out. Serves the app.
"""
