"""Real databases, a real mail server, a real browser and a real web server for the tests."""
