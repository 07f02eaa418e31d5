"""Our own HTTP routes: uploads, tiles, drafts, downloads.

Every route stands behind its row in `core.web.access.RULES`. Before any route, `same_site` refuses requests that
another site has caused. Errors are JSON with ``cause`` and ``remedy``. Downloads that take long have threads of their
own (`download_slots`).
"""
