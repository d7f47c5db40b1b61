"""brain: a personal knowledge store and question-answering command line that keeps everything on this machine."""

__version__ = "0.1.0"
