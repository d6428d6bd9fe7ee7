"""The generator of docs/spec/vectors: ``PYTHONPATH=src:tests python -m own_vectors`` writes all files, always the same.

Each module has the cases of a page's part: what an operation is given, and how it must end. The results are the
product's; the independent check, which shares no code with it, has to find the same ones.
"""
