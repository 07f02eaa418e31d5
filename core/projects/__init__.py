"""Making and changing projects as people do."""
