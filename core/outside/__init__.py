"""Files from outside: opened without following links, read in a guarded process, each within a boundary of its own."""
