"""Records as the server makes them, for tests of its parts."""

from wordai_jobs.clock import utc_now
from wordai_jobs.model.upload import Upload


def upload_of(user_id: str, pages: int = 1) -> Upload:
    return Upload(
        file_id="file_1",
        user_id=user_id,
        filename="document.pdf",
        size=1000,
        sha256="0" * 64,
        page_count=pages,
        created_at=utc_now(),
    )
