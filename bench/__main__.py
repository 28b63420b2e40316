"""``python -m bench`` runs every measurement."""

from bench import reminders, transitions

if __name__ == "__main__":
    transitions.main()
    reminders.main()
