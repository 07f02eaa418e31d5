"""The model store: folders of networks with their cards and weights.

No torch besides `weights.py`, and nothing is unpickled. No two models of a store show the same name. A model that a
project has promoted, that a job or an undecided round needs, or that is the starter cannot be deleted
(`core.curation.model_use`).
"""
