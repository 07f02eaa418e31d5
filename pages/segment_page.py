"""Segment: upload a micrograph, see its organelles."""

from ui.segment.start import start_panel
from ui.segment.workspace import workspace
from ui.state import Query, query

image_id = query(Query.IMAGE)
if image_id:
    workspace(image_id)
else:
    start_panel()
