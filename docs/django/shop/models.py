"""The article's model, and a version for whoever wants to compare it."""

from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=500)
    # A PositiveIntegerField would bring a CHECK constraint. The tests add one to show what it does.
    quantity = models.IntegerField()
    version = models.IntegerField(default=1)
    # Copies that are off the shelf while their buyers pay.
    held = models.IntegerField(default=0)
