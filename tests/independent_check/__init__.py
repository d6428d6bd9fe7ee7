"""An independent check of docs/spec/vectors: ``PYTHONPATH=tests python -m independent_check`` tries all of them.

It shares no code with the product. It was written from the pages of docs/spec and the standards that they name, with
Python's standard library and ``cryptography``; the tables of requests, replies and types it reads from the pages.
"""
