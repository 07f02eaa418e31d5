"""Who may do what: roles in projects, models of projects, folders of the server.

`core.access.roles.ALLOWED` is the one table of permissions. A right is asked for by the function that makes the
change, in its transaction (`require_within`), not only by the page. Functions that people call take ``by=person``;
without it the program itself asks, and everything is allowed. With the setting ``access = "open"`` everybody is
admin.
"""
