"""Images that go from one project to another: copied, or moved.

`plan.py` only looks: what goes, what is lost, what stays and why. Images are known by their content, so a transfer
that was cut off may run again.
"""
