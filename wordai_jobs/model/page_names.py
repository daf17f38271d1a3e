"""What names the files of pages: their folder, their names, and the URLs of images."""

# What follows the stem in the name of a file.
IMAGE_ENDINGS = (".png", ".jpg")
THUMBNAIL_ENDING = ".thumbnail.jpg"
# The server reads a page's words into its memory. A renderer keeps them below 12 MB, unless a PDF
# has taken it over.
MOST_WORDS_BYTES = 16 * 1024 * 1024


def chapter_folder(chapter_id: str) -> str:
    """The name of the folder of a chapter's pages. Raises ValueError for an id that would name
    another folder: an empty one would name that of all chapters.
    """
    if not chapter_id or "/" in chapter_id or chapter_id.startswith("."):
        raise ValueError(f"{chapter_id!r} cannot be the id of a chapter")
    return chapter_id


def page_file_stem(number: int) -> str:
    """`00017`: the name of a page's files in its chapter's folder, without `.png` or `.json`."""
    return f"{number:05d}"


def page_image_url(book_id: str, chapter_id: str, page_number: int) -> str:
    """The path in the URL of a page's image; `UrlSigner` adds the query."""
    return f"/api/v1/books/{book_id}/chapters/{chapter_id}/pages/{page_number}/image"


def page_thumbnail_url(book_id: str, chapter_id: str, page_number: int) -> str:
    """As `page_image_url`, for a small image."""
    return f"/api/v1/books/{book_id}/chapters/{chapter_id}/pages/{page_number}/thumbnail"
