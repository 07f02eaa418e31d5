"""Rounds: train on what was corrected, evaluate, compare, decide, predict; a chain of jobs that survives interruptions.

The steps are snapshot, train, evaluate, compare, decide, predict. `advance.advance_rounds` takes every round as far
as it can go; the engine calls it all the time, and anybody may, any number of times. A change of a round and the jobs
that it queues are one transaction, compare and set by ``version``: a chain that is cut off anywhere goes on, and
doubles nothing. What cannot be done leaves the round failed at its step, with cause and remedy. Test images never
enter: they are refused when a round begins, and again when it trains, for they may be moved in between. A promotion
is refused if the promoted model has changed since the comparison.
"""
