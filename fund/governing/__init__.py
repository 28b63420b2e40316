"""The rules that rounds follow: versions of their workflows, and changing a round under way to others."""
