"""What the HTML page is made of: what was found as cards, places with their state, and where each is drawn."""
