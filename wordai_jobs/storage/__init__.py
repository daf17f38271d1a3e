"""Bytes on disk: uploaded PDFs, pages being rendered, pages of chapters."""
