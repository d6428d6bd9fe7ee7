"""One HTML page that tells a run: no script, nothing from elsewhere, pictures drawn from the run's values."""

from entrenous.explain.page.document import html_page

__all__ = ["html_page"]
