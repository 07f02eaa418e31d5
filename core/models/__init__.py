"""The model store: folders of networks with their cards and weights."""
