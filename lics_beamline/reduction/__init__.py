"""From measured points to reduced ones: a recipe, a pure function, and documents in, documents out."""
