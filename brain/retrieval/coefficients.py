"""The coefficients of fusion.py. Written by benchmarks/fit_fusion.py; do not edit by hand.

nDCG@10 of the fit on the development sets, in the same units as benchmarks/RETRIEVAL.md:

    squad_dev.wordllama          0.918
    squad_dev.minilm             0.940
    ans_dev.wordllama            0.909
    ans_dev.minilm               0.926
    cranfield.wordllama          0.461
    cranfield.minilm             0.489
    scifact_train.wordllama      0.725
    scifact_train.minilm         0.750
    cosqa_dev.wordllama          0.481
    cosqa_dev.minilm             0.616
    limit_small.wordllama        0.997
    limit_small.minilm           0.998
    locomo_dev.wordllama         0.619
    locomo_dev.minilm            0.628
    xquad.wordllama              0.912
    xquad.minilm                 0.907
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
    "foreign": (0.0645, 0.2377),
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
    "words": (1.098, {"rarity": 0.363, "correlation": -0.158, "code": -0.24, "by_sentence": -0.089}),
    "meaning": (
        1.001,
        {
            "words": -0.166,
            "rarity": 0.438,
            "foreign": -0.65,
            "stopped": -0.061,
            "words_lead": -0.292,
            "meaning_lead": -0.105,
            "meaning_stands_out": 0.027,
            "correlation": -0.17,
            "length": 0.347,
            "code": 0.913,
            "by_sentence": 0.176,
        },
    ),
    "feedback": (
        1.276,
        {"rarity": -0.289, "stopped": -0.202, "words_lead": 0.372, "nearest": 0.333, "spread": -0.227, "length": 0.332},
    ),
    "place": (
        1.157,
        {
            "rarity": 0.199,
            "foreign": -0.168,
            "stopped": -0.194,
            "meaning_stands_out": -0.229,
            "nearest": 0.546,
            "spread": -0.416,
            "words_top_nearness": -0.106,
            "length": 0.144,
            "code": 0.18,
        },
    ),
}

# group -> sign -> coefficient
HYBRID: dict[str, dict[str, float]] = {
    "words": {
        "bm25": 2.899,
        "often": -1.867,
        "coverage": 4.228,
        "exact": 1.914,
        "ordered": 0.892,
        "sentence": 2.386,
        "before": 4.687,
        "speaker": 1.599,
        "number": 0.696,
        "time": 1.385,
        "date": 2.473,
    },
    "meaning": {"cosine": 1.073, "sentence_cosine": 0.412, "window": 1.663},
    "feedback": {"few": 0.293, "many": 0.579},
    "place": {"crowd": -0.797, "length": -0.224},
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
