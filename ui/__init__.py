"""Everything that imports streamlit, besides the page scripts.

Session state holds ids and choices (`ui.state`), never arrays. `ui.errors` is the one place that shows errors. Lists
of things that people name go through `ui.parts.options`. `ui.viewer` is the one image viewer; its JavaScript fetches
tiles itself.
"""
