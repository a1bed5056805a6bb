"""What each capability wants, and how it gets there. `site` is the table of phases."""
