"""A drift report in each of its forms: one file a form, each a function from reports to text."""
