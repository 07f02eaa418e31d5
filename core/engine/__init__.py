"""The processes that do long work: scheduler, dispatcher, places and workers.

There is one engine per data folder; it outlives the server. The database is the queue: a job is given to Dask only
when a place is free for it, so order and priority are ours. A place is one worker process for one job, started when
first needed; it ends when idle for long or when the engine dies, with all processes that it started. Only the engine
removes leftovers (`core.engine.cleaning`).
"""
