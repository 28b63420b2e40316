"""What makes parts of the repository: the environment, the list of settings, the pictures."""
