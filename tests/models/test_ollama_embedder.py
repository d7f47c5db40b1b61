"""Vectors from the stand-in Ollama: shape, prefixes, windows, and how every fault of an embedding request ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from brain.errors import Unavailable
from brain.models.ollama import OllamaServer
from brain.models.ollama_embedder import BATCH, OllamaEmbedder
from brain.models.windows import ceiling
from tests.ollama_clients import NOMIC, PATIENT, client, embedder, struck, two_lines
from tests.stand_in_models import Model, has_minilm, known
from tests.stand_in_ollama import StandIn


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with StandIn(models=["llama3.2", "qwen3:4b", NOMIC]) as server:
        yield server
        assert server.errors == []


def test_vectors_have_the_shape_of_the_contract(stand_in: StandIn) -> None:
    model = embedder(stand_in)
    rows = model.embed_documents(["rent and lease", "tea", "", "  "])
    assert rows.shape == (4, 768)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)
    assert model.embed_query("tea").shape == (768,)
    assert model.embed_documents([]).shape == (0, 768)
    assert model.embed_query("lease") @ rows[0] > model.embed_query("lease") @ rows[1]


def test_prefixes_are_in_the_bytes_sent(stand_in: StandIn) -> None:
    """nomic without its prefixes is worse than plain words."""
    model = embedder(stand_in)
    model.embed_documents(["tea time"])
    model.embed_query("when is tea")
    first, second = stand_in.bodies("/api/embed")
    assert b'"search_document: tea time"' in first
    assert b'"search_query: when is tea"' in second
    assert json.loads(first)["truncate"] is False
    assert model.fingerprint.prefixes.startswith("nomic-")


def test_a_new_digest_is_a_new_fingerprint(stand_in: StandIn) -> None:
    before = embedder(stand_in).fingerprint
    stand_in.models["nomic-embed-text:latest"] = Model(
        **{**vars(known(NOMIC)), "version": 2}
    )
    after = embedder(stand_in).fingerprint
    assert before.digest != after.digest
    assert str(before) != str(after)


def test_a_model_replaced_in_use_is_refused(stand_in: StandIn) -> None:
    server = client(stand_in)
    model = OllamaEmbedder(server, NOMIC)
    model.embed_documents(["tea"])
    stand_in.models["nomic-embed-text:latest"] = Model(
        **{**vars(known(NOMIC)), "version": 2}
    )
    server.prove(NOMIC, fresh=True)
    with pytest.raises(Unavailable, match="replaced") as raised:
        model.embed_documents(["more tea"])
    two_lines(raised.value)


def test_a_text_over_the_window_is_split_and_its_end_counts(stand_in: StandIn) -> None:
    """3,900 tokens of CSV and of Chinese; the last words move the vector."""
    model = embedder(stand_in)
    csv = "\n".join(f"{n},{n * 7},item-{n}" for n in range(700))
    for text in (csv, "租约 " * 1950):
        assert ceiling(text) > 3900
        plain, marked = model.embed_documents([text, f"{text} zebra crossing walrus"])
        query = model.embed_query("zebra crossing walrus")
        assert query @ marked > query @ plain
    inputs = [
        text
        for body in stand_in.bodies("/api/embed")
        for text in json.loads(body)["input"]
    ]
    assert len(inputs) > 8


def test_a_window_that_the_server_refuses_is_halved(stand_in: StandIn) -> None:
    """Our estimate may be too low for a model's tokenizer: the server's refusal decides."""
    stand_in.models["tight-embed:latest"] = Model(
        "tight-embed:latest", "bert", 10, 64, 768, ("embedding",)
    )
    model = embedder(stand_in, "tight-embed")
    assert np.isfinite(model.embed_documents(["a b c " * 60, "tea"])).all()
    assert model.embed_documents(["; ".join("xyz" * 3 for _ in range(200))]).shape == (
        1,
        768,
    )


def test_one_bad_text_does_not_hide_the_others(stand_in: StandIn) -> None:
    stand_in.faults.on("embed_nan", "poison")
    model = embedder(stand_in)
    assert model.embed_documents(["tea", "lease"]).shape == (2, 768)
    with pytest.raises(Unavailable) as raised:
        model.embed_documents(["tea", "poison"])
    two_lines(raised.value)


@pytest.mark.parametrize(
    ("fault", "value"),
    [
        ("embed_short_batch", None),
        ("embed_wrong_dim", None),
        ("embed_nan", None),
        ("embed_empty_input", None),
        ("400_ctx_plain", None),
        ("500_html", None),
        ("drop_after", 100),
        ("rst_after", 100),
        ("accept_no_reply", None),
        ("slow_first_token", None),
        ("404_model", None),
        ("429", None),
        ("503_busy", None),
    ],
)
def test_embedding_faults_end_in_two_lines(
    stand_in: StandIn, fault: str, value: Any
) -> None:
    server = client(stand_in)
    model = OllamaEmbedder(server, NOMIC, pauses=(0.0, 0.0))
    assert model.fingerprint.dimensions == 768
    struck(server, stand_in, fault, value)
    with pytest.raises(Unavailable) as raised:
        model.embed_documents(["tea", "lease"])
    two_lines(raised.value)
    stand_in.faults.clear()
    server.limits = PATIENT
    assert model.embed_documents(["tea"]).shape == (1, 768)


def test_a_busy_server_is_asked_again(stand_in: StandIn) -> None:
    stand_in.faults.on("503_busy", 2)
    assert embedder(stand_in).embed_documents(["tea"]).shape == (1, 768)
    assert len(stand_in.bodies("/api/embed")) == 3


def test_a_large_set_goes_in_batches(stand_in: StandIn) -> None:
    count = 3 * BATCH + 5
    rows = embedder(stand_in).embed_documents([f"tea {n}" for n in range(count)])
    assert rows.shape == (count, 768)
    sizes = [len(json.loads(body)["input"]) for body in stand_in.bodies("/api/embed")]
    assert sizes == [BATCH, BATCH, BATCH, 5]


@pytest.mark.skipif(not has_minilm(), reason="../shared/models is not there")
def test_real_vectors_under_the_name_all_minilm() -> None:
    with StandIn(models=["all-minilm"]) as place:
        model = OllamaEmbedder(OllamaServer(place.host), "all-minilm")
        rows = model.embed_documents(
            [
                "A new boiler keeps the flat warm.",
                "Steep the tea.",
                "radiator heating " * 200,
            ]
        )
        query = model.embed_query("heating in the apartment")
        assert rows.shape == (3, 384)
        assert query @ rows[0] > query @ rows[1]
        assert query @ rows[2] > query @ rows[1]
        assert model.fingerprint.prefixes == "none"
