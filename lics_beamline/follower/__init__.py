"""The processes that follow journals: one keeps the catalog, one reduces what is measured."""
