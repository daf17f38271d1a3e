"""Storage in the data folder: uploads and pages are files."""
