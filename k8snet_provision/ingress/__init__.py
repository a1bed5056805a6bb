"""What is pure about the ways in: the table of patterns, and which of them is there."""
