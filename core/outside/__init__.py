"""Files from outside: opened without following links, read in a guarded process, each within a boundary of its own.

Whatever reads a file that somebody brought goes through `guarded` or `guarded_with`; a test looks for readers that do
not. Arguments and results are plain values and arrays, never pickles. Within a guarded process `guarded_with` simply
calls.
"""
