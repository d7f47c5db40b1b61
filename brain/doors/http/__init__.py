"""The door for browsers and programs: HTTP on this machine alone, asked by its owner alone.

`application` joins the parts: who may ask (`guard`, `access`), what a request becomes (`api`), and the one way from a
request to a worker and back (`work`). Leaves what is answered to `Brain`. Serves `brain serve`, which alone loads it.
"""
