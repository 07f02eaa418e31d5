"""Work that is asked for on many images at once: files dropped together, images segmented together.

The request that brings a file queues its job, and what follows a job is queued in the transaction in which it
succeeds: nothing depends on a browser that stays open. A prediction that needs a pixel size is held until one is
known.
"""
