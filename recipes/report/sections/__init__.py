"""Sections of the page: each file has pure functions from a stored run to what a template shows, or `None`."""
