"""Long work as rows: kinds, states, transitions, rights, history.

A job's state changes in `transitions.py` only, compare and set by attempt: what a worker says of an attempt that is
over changes nothing. A kind of job is a row of `core.jobs.kinds.TASKS`.
"""
