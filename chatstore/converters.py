"""The public import path of the converters in chatstore.server.converters."""

from chatstore.server.converters import FileConverter, HistoryConverter, ImageConverter

__all__ = ["FileConverter", "HistoryConverter", "ImageConverter"]
