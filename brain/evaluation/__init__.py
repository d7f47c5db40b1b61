"""Measuring retrieval, answerability and recall on judged questions, through the same `Brain` that a person uses.

`retrieval`, `answerability` and `recall` read a folder of judgments and are handed `open_brain`, a function from a home
folder to a `Brain`; there is no side door. Leaves out the person's own judgments (`brain.evaluation.own`). Serves
`brain eval` and the scripts of `benchmarks/`.
"""
