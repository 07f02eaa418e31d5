"""Figures of results, as Plotly figures with the table that they show: for the page, the report and a paper."""
