"""Price lists, special prices, and the one answer to 'what does it cost, and why'."""
