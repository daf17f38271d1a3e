"""The records in MongoDB: jobs, books, chapters, uploads, and the identity of the data folder."""
