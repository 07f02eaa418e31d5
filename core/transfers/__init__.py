"""Images that go from one project to another: copied, or moved."""
