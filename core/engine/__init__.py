"""The processes that do long work: scheduler, dispatcher, places and workers."""
