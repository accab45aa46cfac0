"""The bookstore's paths that the benchmark calls."""

from django.urls import path

from . import views

urlpatterns = [
    path("v1/books/<int:book_id>", views.find_book),
    path("v1/books/<int:book_id>/purchases", views.purchase),
    path("v1/orders", views.create_order),
]
