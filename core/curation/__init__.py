"""What people change about projects, images and models: asked for their rights, told in the audit log."""
