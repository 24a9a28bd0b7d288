"""Results in; numbered tables, figures and the published book out."""
