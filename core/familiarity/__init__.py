"""Whether an image is like what a model learned from: statistics of small windows, kept with the model. Pure."""
