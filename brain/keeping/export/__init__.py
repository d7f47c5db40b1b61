"""Getting everything out, and back in: Markdown files with YAML front matter that open as an Obsidian vault.

Nothing is imported here. Works on rows that it is handed (rows.py) and imports neither the store nor memory. Serves
`brain export`, `brain import` and `brain skill add`.
"""
