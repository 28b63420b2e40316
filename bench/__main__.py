"""``python -m bench`` runs every measurement."""

from bench import reminders, transitions, year

if __name__ == "__main__":
    transitions.main()
    reminders.main()
    year.main()
