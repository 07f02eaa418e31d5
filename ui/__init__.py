"""Everything that imports streamlit, besides the page scripts."""
