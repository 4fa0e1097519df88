"""The trade relation of a seller and a buyer, and what the buyer may buy under it."""
