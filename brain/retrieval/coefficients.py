FIRST_LOOK = {"bm25": 6.0, "coverage": 3.0, "sentence": 3.0, "cosine": 2.4, "sentence_cosine": 1.2}
LOOK_SCALE: dict[str, tuple[float, float]] = {}
WEIGHTS: dict[str, tuple[float, dict[str, float]]] = {"words": (1.0, {}), "meaning": (1.0, {}), "feedback": (1.0, {}), "place": (1.0, {})}
HYBRID = {
    "words": {"bm25": 4.0, "coverage": 2.7, "exact": 1.6, "ordered": 1.3, "sentence": 2.5, "terse_sentence": 1.0, "before": 3.5, "after": 2.5, "speaker": 1.7, "number": .85, "time": 1.8, "date": 1.7},
    "meaning": {"cosine": 1.17, "sentence_cosine": .58, "window": 1.9},
    "feedback": {"few": .6},
    "place": {"crowd": -.6, "length": -.3},
}
WORDS_ONLY = {"bm25": 8.0, "coverage": 3.0, "exact": 1.6, "ordered": 1.3, "sentence": 2.5}
