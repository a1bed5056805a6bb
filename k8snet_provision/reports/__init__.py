"""What people and programs read: the console, JSON, JUnit."""
