"""AI image generation for Django: requests as rows, paid calls in the background, files in storage."""

__version__ = "0.1.0"
