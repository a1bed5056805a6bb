"""Edits of files that somebody else owns: text in, text out, and every byte that is not concerned stays as it is."""
