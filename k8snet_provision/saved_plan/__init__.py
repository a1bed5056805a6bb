"""A plan kept in a file: looked at in the afternoon, approved, and applied at night exactly as it was approved."""
