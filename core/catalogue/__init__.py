"""Models that can be fetched: a list that comes with the program, and an administrator's own.

`entry.py` says what an entry is, `catalogue.py` reads the lists, `record.py` understands the record of an archive,
`start.py` asks for a fetch, `taking_in.py` makes models of the files. Looking at the list asks nobody.
"""
