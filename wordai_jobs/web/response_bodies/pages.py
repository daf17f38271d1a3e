"""Pages: their images, their text, their links."""

from collections.abc import Iterable
from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # pydantic cannot read typing's before Python 3.12

from wordai_jobs.auth.signing import UrlSigner
from wordai_jobs.library.books import PageContent
from wordai_jobs.model.chapter import Page
from wordai_jobs.model.link import Link
from wordai_jobs.model.page_names import page_image_url, page_thumbnail_url
from wordai_jobs.web.openapi.parameters import BOOK_ID, CHAPTER_ID
from wordai_jobs.web.response_bodies.fields import closed


@closed
class PageBody(TypedDict):
    """A page: the signed URLs of its image, and the size of the large one in pixels."""

    page_number: Annotated[int, Field(ge=1, examples=[1])]
    background_url: Annotated[
        str,
        Field(
            description="for `<img>`, without a header; expires after one to two days",
            examples=[
                page_image_url(BOOK_ID, CHAPTER_ID, 1)
                + "?expires=1770681600&signature=0Zq3YkXlAaYfImFsaWNlIg1d5f0c9e8b7a4f3e9d2c1"
            ],
        ),
    ]
    width: Annotated[int, Field(ge=1, examples=[1240])]
    height: Annotated[int, Field(ge=1, examples=[1754])]
    thumbnail_url: Annotated[
        str,
        Field(
            description="as `background_url`, for an image that is 160 to 200 pixels wide",
            examples=[
                page_thumbnail_url(BOOK_ID, CHAPTER_ID, 1)
                + "?expires=1770681600&signature=x1XfbGciOiJSUzI1NiIsImtpZCI6IjE2ZWE3"
            ],
        ),
    ]
    problem: NotRequired[
        Annotated[
            str,
            Field(
                description="only if the page could not be rendered and is blank: the reason, as a "
                "message for users, such as `Page 17 took longer than 30 s`"
            ),
        ]
    ]


def page_bodies(
    pages: Iterable[Page], book_id: str, chapter_id: str, signer: UrlSigner
) -> list[PageBody]:
    bodies: list[PageBody] = []
    for page in pages:
        body: PageBody = {
            "page_number": page.number,
            "background_url": signer.sign(page_image_url(book_id, chapter_id, page.number)),
            "width": page.width,
            "height": page.height,
            "thumbnail_url": signer.sign(page_thumbnail_url(book_id, chapter_id, page.number)),
        }
        if page.problem:
            body["problem"] = page.problem
        bodies.append(body)
    return bodies


Label = Annotated[
    str | None,
    Field(description="the number that is printed on the page; null if it is not known"),
]
# Lists, not tuples: tools for OpenAPI stumble over `prefixItems`.
Word = Annotated[list[float | str], Field(min_length=5, max_length=5)]
LinkRect = Annotated[
    list[float],
    Field(
        min_length=4,
        max_length=4,
        description="`[x0, y0, x1, y1]` in pixels of the image",
        examples=[[150.2, 140.0, 288.5, 171.3]],
    ),
]


@closed
class PageLinkBody(TypedDict):
    """A link to a page of the same chapter."""

    rect: LinkRect
    page_number: Annotated[int, Field(ge=1, examples=[17])]


@closed
class UrlLinkBody(TypedDict):
    """A link to the web, or to a mailbox."""

    rect: LinkRect
    url: Annotated[
        str,
        Field(
            pattern="^([hH][tT][tT][pP][sS]?://|[mM][aA][iI][lL][tT][oO]:)",
            examples=["https://mupdf.com/"],
        ),
    ]


def link_body(link: Link) -> PageLinkBody | UrlLinkBody:
    if link.url:
        return {"rect": list(link.rect), "url": link.url}
    return {"rect": list(link.rect), "page_number": link.page_number or 1}


@closed
class PageContentBody(PageBody):
    """A page with its text and links."""

    label: Annotated[Label, Field(examples=["ii"])]
    text: Annotated[str, Field(examples=["MuPDF Explored"])]
    words: Annotated[
        list[Word],
        Field(
            description='`[x0, y0, x1, y1, "word"]` in pixels of the image',
            examples=[
                [[150.2, 140.0, 288.5, 171.3, "MuPDF"], [297.9, 140, 452, 171.3, "Explored"]]
            ],
        ),
    ]
    links: Annotated[
        list[PageLinkBody | UrlLinkBody],
        Field(
            description="links to pages of this chapter, and to addresses with http, https or "
            "mailto; others are left out",
            examples=[[{"rect": [150.2, 140.0, 288.5, 171.3], "page_number": 17}]],
        ),
    ]


def page_content_body(
    content: PageContent, book_id: str, chapter_id: str, signer: UrlSigner
) -> PageContentBody:
    [page] = page_bodies([content.page], book_id, chapter_id, signer)
    return {
        **page,
        "label": content.page.label,
        "text": content.text,
        "words": content.words,
        "links": [link_body(link) for link in content.links],
    }


@closed
class PageTextBody(TypedDict):
    """The text of a page."""

    page_number: Annotated[int, Field(ge=1, examples=[1])]
    text: Annotated[str, Field(examples=["MuPDF Explored"])]


@closed
class ChapterTextBody(TypedDict):
    """The text of all pages of a chapter."""

    pages: list[PageTextBody]
