"""What leaves the fund: lessons cleared field by field, funded projects, the library and the public first page."""
