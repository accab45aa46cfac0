"""A shop as django-oscar's documentation, "Building your own shop", sets it up.

No class of Oscar's is replaced.
"""
