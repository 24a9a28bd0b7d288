"""ThyroBook: four rooms (data, learn, stats, book); each imports only from the rooms before it."""
