"""nnU-Net behind one face: datasets, plans, training, model store, prediction. Pure: knows no database, no jobs."""
