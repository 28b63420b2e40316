"""The Peace Incentive Fund, by the steps of a grant's life."""
