"""What becomes of predictions that are stored: cleaned of what their classes cannot be, and the map before again."""
