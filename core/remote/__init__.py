"""Files from the network: which addresses may be asked, one polite request, a download that goes on after a cut.

Nothing here is called unless a person has asked for a certain file. There is no other client in the program.
"""
