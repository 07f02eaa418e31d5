"""Journeys of a user in a real browser, with the clicks, typed fields, changes of page and seconds that they take."""
