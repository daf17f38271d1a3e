"""What is recorded in MongoDB: jobs, books, chapters, uploads, and which servers are alive."""
