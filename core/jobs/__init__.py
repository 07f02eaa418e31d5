"""Long work: job rows first, the engine (Dask) second, the task table."""
