"""Review: submitted corrections are looked at, talked about and decided; agreement between annotators."""
