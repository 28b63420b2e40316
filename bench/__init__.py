"""What the fund does, measured against the raw limits of the same machine in the same run."""
