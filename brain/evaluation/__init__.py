"""Measuring retrieval, answerability and recall on judged questions, through the same `Brain` that a person uses.

`retrieval`, `answerability` and `recall` read a folder of judgments and are handed `open_brain`, a function from a home
folder to a `Brain`; there is no side door. `own` does it for the person's own questions, which `drafting` proposes;
`calibrate` moves the head `found` toward their feedback, `corrections` finds what they said of a similar question.
Leaves out storage. Serves `brain eval`, `brain feedback` and the scripts of `benchmarks/`.
"""
