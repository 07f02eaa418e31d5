"""What jobs do: one module for each kind, imported where the job runs."""
