"""Rounds: which label maps a training uses, frozen, and what to know before it begins."""
