"""Archives of conversations: their format, exports, imports, and downloads for moderators (R3)."""
