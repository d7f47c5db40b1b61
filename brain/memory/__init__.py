"""Memory: episodes (what happened) and skills (how to do it): their tables, their search, the words that mean a time.

Leaves out reading and writing files (`brain.export`) and deciding what to record. Importing it needs the standard library
alone. Serves the app, which hands the tables on.
"""

from brain.memory.episodes import Circumstances, EpisodeTable
from brain.memory.search import EpisodeSearch
from brain.memory.skills import Belongings, SkillTable

__all__ = ["Belongings", "Circumstances", "EpisodeSearch", "EpisodeTable", "SkillTable"]
