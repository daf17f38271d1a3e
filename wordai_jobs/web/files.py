"""Uploading PDFs, what they say of themselves, and downloading them."""

from flask import Blueprint, Response, jsonify, request, send_file

from wordai_jobs.errors import Invalid
from wordai_jobs.library.uploads import IncomingPdf
from wordai_jobs.web.authentication import authenticate, user_id
from wordai_jobs.web.openapi.errors import AWAY, FILE_ERRORS, UPLOAD_ERRORS
from wordai_jobs.web.openapi.operation import Form, Operation, Success
from wordai_jobs.web.response_bodies.fields import body_of
from wordai_jobs.web.response_bodies.files import FileBody, FileOutlineBody
from wordai_jobs.web.services import services

blueprint = Blueprint("files", __name__, url_prefix="/api/v1/files")
blueprint.before_request(authenticate)


@blueprint.post("")
@Operation(
    "Upload a PDF",
    Success(201, "The file", FileBody, headers=("Location",)),
    UPLOAD_ERRORS,
    form=Form(),
)
def upload() -> tuple[Response, int]:
    added = services().uploads.add(user_id(), incoming_pdf())
    response = jsonify(body_of(FileBody, added))
    response.headers["Location"] = f"/api/v1/files/{added.file_id}"
    return response, 201


@blueprint.get("/<file_id>")
@Operation("Get the metadata of an uploaded PDF", Success(200, "The file", FileBody), FILE_ERRORS)
def metadata(file_id: str) -> Response:
    return jsonify(body_of(FileBody, services().uploads.get(file_id, user_id())))


@blueprint.get("/<file_id>/outline")
@Operation(
    "Get the title, the outline and the page labels of an uploaded PDF",
    Success(
        200,
        "Entries that lead to no page are left out. PDFs that an older release stored have none",
        FileOutlineBody,
    ),
    FILE_ERRORS,
)
def outline(file_id: str) -> Response:
    return jsonify(
        body_of(FileOutlineBody, services().uploads.get_with_outline(file_id, user_id()))
    )


@blueprint.get("/<file_id>/content")
@Operation(
    "Download an uploaded PDF",
    Success(
        200,
        "The PDF, as it was uploaded",
        media_types=("application/pdf",),
        headers=("ETag", "Cache-Control", "Content-Disposition"),
        has_ranges=True,
    ),
    {**FILE_ERRORS, 503: AWAY},
)
def content(file_id: str) -> Response:
    upload = services().uploads.get(file_id, user_id())
    with services().uploads.content(upload) as path:
        response = send_file(
            path,
            mimetype="application/pdf",
            as_attachment=True,
            download_name=upload.filename,
            etag=upload.sha256,
        )
    # It never changes, but whoever signs in next in this browser may not read it.
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def incoming_pdf() -> IncomingPdf:
    """The PDF in the multipart field `file`.

    Raises QuotaReached or StorageFull before anything is read, and Invalid if there is no PDF.
    """
    services().uploads.check_room(user_id(), request.content_length or 0)
    file = request.files.get("file")
    if file is None:
        raise Invalid("file must be a PDF, in a multipart form")
    return IncomingPdf(file.filename, file.stream)
