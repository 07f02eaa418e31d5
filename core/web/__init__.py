"""Our own HTTP routes: uploads, tiles, downloads."""
