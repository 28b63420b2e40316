"""``python -m bench`` runs every measurement."""

from bench import reminders

if __name__ == "__main__":
    reminders.main()
