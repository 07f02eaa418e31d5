"""What this machine offers, and what is wrong with it or with the stored label maps."""
