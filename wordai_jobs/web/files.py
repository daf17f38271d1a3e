"""Uploading PDFs."""

from flask import Blueprint, Response, jsonify, request

from wordai_jobs.errors import Invalid
from wordai_jobs.library.uploads import IncomingPdf
from wordai_jobs.web.answers import FileAnswer
from wordai_jobs.web.context import authenticate, services, user_id
from wordai_jobs.web.openapi.common import OF_FILE, OF_UPLOAD
from wordai_jobs.web.openapi.operation import Answer, Form, Operation
from wordai_jobs.web.views import upload_view

blueprint = Blueprint("files", __name__, url_prefix="/api/v1/files")
blueprint.before_request(authenticate)


@blueprint.post("")
@Operation(
    "Upload a PDF",
    Answer(201, "The file", FileAnswer, headers=("Location",)),
    OF_UPLOAD,
    form=Form(),
)
def upload() -> tuple[Response, int]:
    added = services().uploads.add(user_id(), incoming_pdf())
    response = jsonify(upload_view(added))
    response.headers["Location"] = f"/api/v1/files/{added.file_id}"
    return response, 201


@blueprint.get("/<file_id>")
@Operation("What is known of an uploaded PDF", Answer(200, "The file", FileAnswer), OF_FILE)
def metadata(file_id: str) -> Response:
    return jsonify(upload_view(services().uploads.get(file_id, user_id())))


def incoming_pdf() -> IncomingPdf:
    """The PDF in the multipart field `file`.

    Raises Invalid if there is none, and UploadTooLarge, QuotaReached or StorageFull before anything is read.
    """
    services().uploads.check_room(user_id(), request.content_length or 0)
    file = request.files.get("file")
    if file is None:
        raise Invalid("file: a PDF is needed in this field of a multipart form")
    return IncomingPdf(file.filename, file.stream)
