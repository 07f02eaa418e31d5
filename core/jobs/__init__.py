"""Long work as rows: kinds, states, transitions, rights, history."""
