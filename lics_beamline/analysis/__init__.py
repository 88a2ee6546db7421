"""What reduced runs say of a sample: isotherms and expansion with their budgets, boundaries, structure, a report."""
