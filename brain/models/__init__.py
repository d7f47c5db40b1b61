"""The models: the built-in embedder, and everything of Ollama behind one hardened client. Nothing is imported here."""
