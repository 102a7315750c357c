"""What only the page has: its first screen, the data that its script draws, a card for each row."""
