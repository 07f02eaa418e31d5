"""Who may do what: roles in projects, models of projects, folders of the server."""
