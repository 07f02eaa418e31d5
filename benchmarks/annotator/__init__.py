"""A simulated annotator: how much of a dataset must a person correct, and where, until the model is good enough?

`person` says what a person's acts cost, `strategies` where to work next (the product's code), `world` holds images and
references, `campaign` annotates, trains and scores in rounds, `report` makes tables and the figure.
"""
