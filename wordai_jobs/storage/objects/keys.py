"""The keys of objects: the paths that their files have in a data folder."""

from posixpath import splitext

from wordai_jobs.model.page_names import chapter_folder

UPLOADS = "uploads/"
CHAPTERS = "chapters/"
IDENTITY = "identity"

PDF_ENDING = ".pdf"
_MEDIA_TYPES = {
    PDF_ENDING: "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".json": "application/json",
}
# A chapter's id names one rendering, so its pages never change. Caches that several users share
# must not keep them.
_CACHE_CONTROL = "private, max-age=31536000, immutable"


def upload_key(file_id: str) -> str:
    return f"{UPLOADS}{file_id}{PDF_ENDING}"


def chapter_prefix(chapter_id: str) -> str:
    """Raises ValueError as `chapter_folder` does."""
    return f"{CHAPTERS}{chapter_folder(chapter_id)}/"


def headers(key: str) -> dict[str, str]:
    """The HTTP headers with which a store is to answer for this object."""
    media_type = _MEDIA_TYPES.get(splitext(key)[1], "application/octet-stream")
    if key.startswith(CHAPTERS):
        return {"Content-Type": media_type, "Cache-Control": _CACHE_CONTROL}
    return {"Content-Type": media_type}
