"""What a person is told when a picture cannot be made."""


class PictureError(Exception):
    """A picture cannot be made; the sentence says why and what helps."""
