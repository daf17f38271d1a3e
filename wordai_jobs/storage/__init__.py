"""The files of the service: uploaded PDFs, and pages of running jobs and of chapters."""
