"""From a question to ranked passages, over anything that is `Searchable`: by words, by meaning, by both.

The one public function is `retrieve`; `why_not` says at which stage a document was lost. Leaves out storage, the index
and the models, which are handed in as `Sources`. Serves search, ask and recall.
"""

from brain.retrieval.candidates import Sources
from brain.retrieval.retrieve import retrieve
from brain.retrieval.why import Trace, why_not

__all__ = ["Sources", "Trace", "retrieve", "why_not"]
