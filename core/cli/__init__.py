"""The command line. One file a command, assembled in app.py."""
