"""What clients are shown of things, as JSON objects with their keys in the contract's order."""

from wordai_jobs.auth.signing import UrlSigner
from wordai_jobs.clock import isoformat
from wordai_jobs.database.chapters import page_path
from wordai_jobs.library.books import PageContent
from wordai_jobs.model.book import Book, Chapter, Page
from wordai_jobs.model.job import Job, JobStatus
from wordai_jobs.model.upload import Upload
from wordai_jobs.web.answers import (
    BookAnswer,
    ChapterAnswer,
    ChapterPageAnswer,
    ChapterWithPagesAnswer,
    FileAnswer,
    JobAnswer,
    JobEnd,
    JobOutcome,
    PageAnswer,
    PageContentAnswer,
)


def job_view(job: Job) -> JobAnswer:
    """A job; keys that do not hold are left out."""
    return {
        "job_id": job.job_id,
        "user_id": job.user_id,
        "status": job.status.value,
        "progress": job.progress,
        "message": job.message,
        **_outcome(job),
        "created_at": isoformat(job.created_at),
        "updated_at": isoformat(job.updated_at),
        **_end(job),
    }


def _outcome(job: Job) -> JobOutcome:
    if job.status is JobStatus.COMPLETED:
        return {"result": {"chapter_id": job.chapter_id, "total_pages": job.total_pages}}
    return {"error": job.error or ""} if job.status is JobStatus.FAILED else {}


def _end(job: Job) -> JobEnd:
    if job.ended_at is None:
        return {}
    moment = isoformat(job.ended_at)
    return {"completed_at": moment} if job.status is JobStatus.COMPLETED else {"failed_at": moment}


def upload_view(upload: Upload) -> FileAnswer:
    return {
        "file_id": upload.file_id,
        "filename": upload.filename,
        "size": upload.size,
        "sha256": upload.sha256,
        "page_count": upload.page_count,
        "created_at": isoformat(upload.created_at),
    }


def book_view(book: Book) -> BookAnswer:
    return {
        "book_id": book.book_id,
        "title": book.title,
        "created_at": isoformat(book.created_at),
        "updated_at": isoformat(book.updated_at),
    }


def chapter_view(chapter: Chapter) -> ChapterAnswer:
    """A chapter without its pages."""
    return {
        "chapter_id": chapter.chapter_id,
        "book_id": chapter.book_id,
        "title": chapter.title,
        "slug": chapter.slug,
        "order_index": chapter.order_index,
        "parent_id": chapter.parent_id,
        "is_published": chapter.is_published,
        "is_preview_free": chapter.is_preview_free,
        "total_pages": chapter.total_pages,
        "created_at": isoformat(chapter.created_at),
        "updated_at": isoformat(chapter.updated_at),
    }


def chapter_with_pages_view(chapter: Chapter, signer: UrlSigner) -> ChapterWithPagesAnswer:
    pages: list[ChapterPageAnswer] = [
        {**page_view(page, chapter.book_id, chapter.chapter_id, signer), "elements": []}
        for page in chapter.pages
    ]
    return {**chapter_view(chapter), "pages": pages}


def page_view(page: Page, book_id: str, chapter_id: str, signer: UrlSigner) -> PageAnswer:
    """A page with the signed address of its image, and the size of that in pixels."""
    url = signer.sign(page_path(book_id, chapter_id, page.number))
    return {
        "page_number": page.number,
        "background_url": url,
        "width": page.width,
        "height": page.height,
    }


def page_content_view(
    content: PageContent, book_id: str, chapter_id: str, signer: UrlSigner
) -> PageContentAnswer:
    return {
        **page_view(content.page, book_id, chapter_id, signer),
        "text": content.text,
        "words": content.words,
    }
