"""The one image viewer of the app, and the routes that serve its modules."""

from ui.viewer.assets import asset_routes
from ui.viewer.component import LabelLayer, ViewerState, viewer

__all__ = ["LabelLayer", "ViewerState", "asset_routes", "viewer"]
