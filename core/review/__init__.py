"""Review: submitted corrections are looked at, talked about and decided; agreement between annotators.

A correction's review begins in the transaction that completes the revision. Decisions are compare and set, each with
its line in the audit log in the same transaction; triggers in the database refuse to change or remove such a line.
Where a person has confirmed pixels is kept beside the label pyramid (``coverage``); without that, all but 255 is
confirmed.
"""
