"""Storage as objects in S3, Google Cloud Storage or Azure.

An object's key is the path that its file has in a data folder, such as `chapters/<id>/00017.png`.
Nothing is renamed: a page is at its place once it is stored, and belongs to a chapter once the
chapter's record exists.
"""
