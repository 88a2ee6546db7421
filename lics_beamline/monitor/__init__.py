"""The live page: what a run has done so far, folded from its journals, and drawn. It moves nothing."""
