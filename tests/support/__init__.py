"""What tests are made with: a real server process, a client, PDFs built on the spot."""
