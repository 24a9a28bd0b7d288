"""Tables and media files in; checked tables and arrays out."""
