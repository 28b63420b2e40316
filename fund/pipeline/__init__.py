"""The pipeline: the manager's views across all rounds, what everybody owes, and the file of one application."""
