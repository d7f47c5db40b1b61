"""The coefficients of fusion.py. Written by benchmarks/fit_fusion.py; do not edit by hand.

nDCG@10 of the fit on the development sets, in the same units as benchmarks/RETRIEVAL.md:

    squad_dev.wordllama          0.918
    squad_dev.minilm             0.941
    ans_dev.wordllama            0.908
    ans_dev.minilm               0.926
    cranfield.wordllama          0.461
    cranfield.minilm             0.489
    scifact_train.wordllama      0.723
    scifact_train.minilm         0.750
    cosqa_dev.wordllama          0.484
    cosqa_dev.minilm             0.618
    limit_small.wordllama        0.997
    limit_small.minilm           0.998
    locomo_dev.wordllama         0.620
    locomo_dev.minilm            0.626
    xquad.wordllama              0.913
    xquad.minilm                 0.913
"""

from __future__ import annotations

# sign -> weight in the look before feedback: chosen by hand, flat around these values
FIRST_LOOK = {"bm25": 6.0, "coverage": 3.0, "sentence": 3.0, "cosine": 2.4, "sentence_cosine": 1.2}

# number known of a question -> (mean, deviation) over the development sets
LOOK_SCALE: dict[str, tuple[float, float]] = {
    "rarity": (0.4752, 0.1517),
    "correlation": (0.1338, 0.3657),
    "code": (0.0185, 0.0327),
    "by_sentence": (0.4976, 0.5),
    "words": (1.9558, 0.5155),
    "estranged": (0.0685, 0.3409),
    "stopped": (0.3291, 0.1743),
    "words_lead": (0.3914, 0.2197),
    "meaning_lead": (0.4117, 0.3325),
    "meaning_stands_out": (2.1501, 0.6413),
    "length": (0.243, 0.6873),
    "nearest": (2.9188, 0.8223),
    "spread": (0.4948, 0.2037),
    "words_top_nearness": (-0.3263, 0.4493),
}

# group -> (weight of an average question, slopes per deviation)
WEIGHTS: dict[str, tuple[float, dict[str, float]]] = {
    "words": (1.084, {"rarity": 0.348, "correlation": -0.148, "code": -0.234, "by_sentence": -0.091}),
    "meaning": (
        1.09,
        {
            "words": -0.168,
            "rarity": 0.448,
            "estranged": -0.386,
            "stopped": -0.063,
            "words_lead": -0.302,
            "meaning_lead": -0.096,
            "meaning_stands_out": 0.019,
            "correlation": -0.183,
            "length": 0.332,
            "code": 0.874,
            "by_sentence": 0.19,
        },
    ),
    "feedback": (
        1.243,
        {
            "estranged": -0.168,
            "rarity": -0.257,
            "stopped": -0.248,
            "words_lead": 0.341,
            "nearest": 0.324,
            "spread": -0.247,
            "length": 0.321,
        },
    ),
    "place": (
        1.191,
        {
            "rarity": 0.241,
            "estranged": -0.229,
            "stopped": -0.241,
            "meaning_stands_out": -0.252,
            "nearest": 0.569,
            "spread": -0.412,
            "words_top_nearness": -0.076,
            "length": 0.11,
            "code": 0.141,
        },
    ),
}

# group -> sign -> coefficient
HYBRID: dict[str, dict[str, float]] = {
    "words": {
        "bm25": 2.967,
        "often": -1.923,
        "coverage": 4.273,
        "exact": 1.932,
        "ordered": 0.884,
        "sentence": 2.424,
        "before": 4.757,
        "speaker": 1.607,
        "number": 0.699,
        "time": 1.401,
        "date": 2.526,
    },
    "meaning": {"cosine": 1.075, "sentence_cosine": 0.431, "window": 1.627},
    "feedback": {"few": 0.273, "many": 0.664},
    "place": {"crowd": -0.819, "length": -0.224},
}

# sign -> coefficient, when there are only words
WORDS_ONLY: dict[str, float] = {
    "bm25": 4.698,
    "often": -0.594,
    "coverage": 3.025,
    "exact": 2.551,
    "ordered": 0.597,
    "sentence": 2.709,
    "before": 4.913,
    "speaker": 1.567,
    "number": 0.834,
    "time": 1.36,
    "date": 2.665,
    "length": -0.211,
}
