"""What every step stands on: settings, clock, database, errors, permissions, ledger, and the one mover of states."""
