"""What every step stands on: settings, clock, database, errors, permissions, the ledger, and the one function that moves."""
