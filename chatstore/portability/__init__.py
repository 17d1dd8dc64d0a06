"""Conversations as files: the archive's format, exports, imports, and moderators' downloads."""
