"""The guide inside the app: the pages of docs/, rendered."""
