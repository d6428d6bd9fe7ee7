"""Whether lines for debugging are shown: to ask a logger each time would cost as much as the rest of an answer."""

import logging
from functools import lru_cache

import structlog


def shows_details() -> bool:
    """Whether they are at this moment: an operator may say otherwise while the server runs."""
    return _lets_pass(structlog.get_config()["wrapper_class"])


@lru_cache(maxsize=1)
def _lets_pass(_logger: object) -> bool:
    """Whether loggers of this class do, which is the one that is configured."""
    return bool(structlog.get_logger().is_enabled_for(logging.DEBUG))
