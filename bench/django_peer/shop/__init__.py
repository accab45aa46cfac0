"""The article's own stack, set up well: Django, gunicorn, psycopg 3, select_for_update."""
