"""Arrays in; predictions and heat maps out. The only room that imports torch."""
