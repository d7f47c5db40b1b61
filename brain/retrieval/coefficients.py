"""The coefficients of fusion.py. Written by benchmarks/fit_fusion.py; do not edit by hand.

nDCG@10 of the fit on the development sets, in the same units as benchmarks/RETRIEVAL.md:

    squad_dev.wordllama          0.918
    squad_dev.minilm             0.940
    ans_dev.wordllama            0.908
    ans_dev.minilm               0.928
    cranfield.wordllama          0.460
    cranfield.minilm             0.491
    scifact_train.wordllama      0.723
    scifact_train.minilm         0.751
    cosqa_dev.wordllama          0.484
    cosqa_dev.minilm             0.614
    limit_small.wordllama        0.997
    limit_small.minilm           0.998
    locomo_dev.wordllama         0.620
    locomo_dev.minilm            0.626
    xquad.wordllama              0.932
    xquad.minilm                 0.934
"""

from __future__ import annotations

# feature -> weight in the look before feedback: chosen by hand, flat around these values
FIRST_LOOK = {"bm25": 6.0, "coverage": 3.0, "sentence": 3.0, "cosine": 2.4, "sentence_cosine": 1.2}

# number known of a question -> (mean, deviation) over the development sets
LOOK_SCALE: dict[str, tuple[float, float]] = {
    "rarity": (0.4725, 0.1475),
    "correlation": (0.1347, 0.3646),
    "code": (0.0185, 0.0327),
    "by_sentence": (0.497, 0.5),
    "words": (1.9558, 0.5155),
    "estranged": (0.0666, 0.3344),
    "stopped": (0.3291, 0.1743),
    "words_lead": (0.3917, 0.2194),
    "meaning_lead": (0.412, 0.3331),
    "meaning_stands_out": (2.1513, 0.6407),
    "length": (0.2422, 0.6875),
    "nearest": (2.9203, 0.8232),
    "spread": (0.4942, 0.2032),
    "words_top_nearness": (-0.3259, 0.4485),
}

# group -> (weight of an average question, slopes per deviation)
WEIGHTS: dict[str, tuple[float, dict[str, float]]] = {
    "words": (
        1.071,
        {"rarity": 0.334, "correlation": -0.14, "code": -0.229, "by_sentence": -0.091},
    ),
    "meaning": (
        1.08,
        {
            "words": -0.162,
            "rarity": 0.438,
            "estranged": -0.404,
            "stopped": -0.053,
            "words_lead": -0.296,
            "meaning_lead": -0.095,
            "meaning_stands_out": 0.016,
            "correlation": -0.182,
            "length": 0.333,
            "code": 0.889,
            "by_sentence": 0.191,
        },
    ),
    "feedback": (
        1.246,
        {
            "estranged": -0.082,
            "rarity": -0.242,
            "stopped": -0.236,
            "words_lead": 0.323,
            "nearest": 0.34,
            "spread": -0.25,
            "length": 0.331,
        },
    ),
    "place": (
        1.201,
        {
            "rarity": 0.259,
            "estranged": -0.165,
            "stopped": -0.235,
            "meaning_stands_out": -0.264,
            "nearest": 0.604,
            "spread": -0.426,
            "words_top_nearness": -0.083,
            "length": 0.084,
            "code": 0.105,
        },
    ),
}

# group -> feature -> coefficient
HYBRID: dict[str, dict[str, float]] = {
    "words": {
        "bm25": 2.942,
        "often": -1.867,
        "coverage": 4.226,
        "exact": 1.928,
        "ordered": 0.878,
        "sentence": 2.435,
        "before": 4.765,
        "speaker": 1.622,
        "number": 0.723,
        "time": 1.413,
        "date": 2.549,
    },
    "meaning": {"cosine": 1.081, "sentence_cosine": 0.419, "window": 1.594},
    "feedback": {"few": 0.294, "many": 0.629},
    "place": {"crowd": -0.815, "length": -0.22},
}

# feature -> coefficient, when there are only words
WORDS_ONLY: dict[str, float] = {
    "bm25": 4.664,
    "often": -0.526,
    "coverage": 2.975,
    "exact": 2.545,
    "ordered": 0.579,
    "sentence": 2.675,
    "before": 4.879,
    "speaker": 1.567,
    "number": 0.839,
    "time": 1.358,
    "date": 2.661,
    "length": -0.212,
}
