"""Converters between attachments and the model, by the name under which projects import them."""

from chatstore.server.converters import FileConverter, HistoryConverter, ImageConverter

__all__ = ["FileConverter", "HistoryConverter", "ImageConverter"]
