"""The coefficients of fusion.py. Written by benchmarks/fit_fusion.py; do not edit by hand.

nDCG@10 of the fit on the development sets, in the same units as benchmarks/RETRIEVAL.md:

    squad_dev.wordllama          0.935
    squad_dev.minilm             0.950
    ans_dev.wordllama            0.916
    ans_dev.minilm               0.924
    scifact_train.wordllama      0.720
    scifact_train.minilm         0.756
    cranfield.wordllama          0.462
    cranfield.minilm             0.493
    cosqa_dev.wordllama          0.445
    cosqa_dev.minilm             0.602
    limit_small.wordllama        0.996
    limit_small.minilm           0.997
    locomo_dev.wordllama         0.650
    locomo_dev.minilm            0.670
    xquad.wordllama              0.913
    xquad.minilm                 0.927
"""

from __future__ import annotations

# sign -> weight in the look before feedback: chosen by hand, flat around these values
FIRST_LOOK = {"bm25": 6.0, "coverage": 3.0, "sentence": 3.0, "cosine": 2.4, "sentence_cosine": 1.2}

# number known of a question -> (mean, deviation) over the development sets
LOOK_SCALE: dict[str, tuple[float, float]] = {
    "words": (1.9606, 0.5131),
    "rarity": (0.487, 0.1464),
    "foreign": (0.0643, 0.2374),
    "stopped": (0.326, 0.1739),
    "words_lead": (0.398, 0.2193),
    "meaning_lead": (0.4196, 0.3375),
    "meaning_stands_out": (2.3123, 0.7135),
    "nearest": (2.9318, 0.8159),
    "spread": (0.4816, 0.1962),
    "agreement": (0.3366, 0.2032),
    "correlation": (0.0276, 0.3446),
    "words_top_nearness": (-0.3549, 0.4918),
    "length": (0.2895, 0.8042),
    "code": (0.0189, 0.0328),
}

# group -> (weight of an average question, slopes per deviation)
WEIGHTS: dict[str, tuple[float, dict[str, float]]] = {
    "words": (
        1.191,
        {
            "words": 0.097,
            "rarity": 0.266,
            "foreign": 0.642,
            "stopped": -0.068,
            "words_lead": -0.023,
            "meaning_lead": 0.151,
            "meaning_stands_out": -0.209,
            "nearest": -0.179,
            "spread": -0.036,
            "agreement": -0.037,
            "correlation": 0.061,
            "words_top_nearness": -0.041,
            "length": -0.096,
            "code": -0.142,
        },
    ),
    "meaning": (
        1.015,
        {
            "words": -0.127,
            "rarity": 0.31,
            "foreign": -0.307,
            "stopped": -0.138,
            "words_lead": -0.162,
            "meaning_lead": 0.101,
            "meaning_stands_out": -0.087,
            "nearest": 0.098,
            "spread": 0.103,
            "agreement": -0.107,
            "correlation": -0.141,
            "words_top_nearness": -0.023,
            "length": 0.328,
            "code": 0.479,
        },
    ),
    "feedback": (
        1.077,
        {
            "words": 0.313,
            "rarity": -0.188,
            "foreign": -0.586,
            "stopped": 0.095,
            "words_lead": 0.147,
            "meaning_lead": -0.206,
            "meaning_stands_out": 0.137,
            "nearest": -0.124,
            "spread": -0.056,
            "agreement": 0.145,
            "correlation": -0.241,
            "words_top_nearness": 0.251,
            "length": 0.431,
            "code": 0.179,
        },
    ),
    "place": (
        1.001,
        {
            "words": 0.304,
            "rarity": 0.224,
            "foreign": -0.404,
            "stopped": -0.233,
            "words_lead": -0.236,
            "meaning_lead": -0.284,
            "meaning_stands_out": -0.106,
            "nearest": 0.262,
            "spread": -0.304,
            "agreement": 0.169,
            "correlation": -0.202,
            "words_top_nearness": 0.097,
            "length": 0.263,
            "code": 0.212,
        },
    ),
}

# group -> sign -> coefficient
HYBRID: dict[str, dict[str, float]] = {
    "words": {
        "bm25": 3.243,
        "often": -1.437,
        "title": -0.086,
        "coverage": 4.32,
        "exact": 2.242,
        "ordered": 0.847,
        "sentence": 2.176,
        "terse_sentence": 1.22,
        "before": 5.415,
        "after": 0.845,
        "speaker": 1.791,
        "number": 0.437,
        "time": 1.784,
        "date": 1.87,
    },
    "meaning": {"cosine": 1.039, "sentence_cosine": 0.388, "window": 1.746},
    "feedback": {"few": 0.283, "many": 0.532},
    "place": {"crowd": -0.601, "length": -0.278},
}

# sign -> coefficient, when there are only words
WORDS_ONLY: dict[str, float] = {
    "bm25": 4.491,
    "often": 0.375,
    "title": -0.112,
    "coverage": 2.873,
    "exact": 2.546,
    "ordered": 0.992,
    "sentence": 3.649,
    "terse_sentence": -1.143,
    "before": 5.469,
    "after": 1.725,
    "speaker": 1.66,
    "number": 0.555,
    "time": 1.446,
    "date": 2.775,
    "length": -0.265,
}
