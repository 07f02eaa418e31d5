"""What counts as an object of a class: rules learned from labels, and label maps cleaned by them. Arrays only."""
