"""Rules by which an experiment is judged before the first move: small pure functions, named as a scientist would."""
