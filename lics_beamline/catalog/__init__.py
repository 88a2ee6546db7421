"""The databroker/Tiled catalog of a data folder: an index of its journals, built by following them."""
