"""Getting everything out, and back in: Markdown files with YAML front matter that open as an Obsidian vault.

Works on rows that it is handed (rows.py) and leaves reading and saving them to the app. Serves `brain export`,
`brain import` and `brain skill add`.
"""
