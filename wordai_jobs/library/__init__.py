"""What users own, and what they may do with it: uploads, books and chapters. No HTTP."""
