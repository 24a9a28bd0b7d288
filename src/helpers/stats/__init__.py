"""Tables in; tidy results out. Runs on a laptop without torch."""
