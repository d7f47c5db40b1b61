"""Write the graphs of the shipped models anew, with the same weights: they load in half of the time.

    pip install onnx
    python -m benchmarks.fuse_reader reader-int8.onnx brain/models/shipped/reader-int8.onnx
    python -m benchmarks.fuse_reader --passes all-minilm-l6-v2-int8.onnx brain/models/shipped/all-minilm-l6-v2-int8.onnx

The first file is the one that training wrote (`onnxruntime.quantization.quantize_dynamic`). Its attention is fourteen
operators a layer, and onnxruntime joins them for floats only; here each becomes one `QAttention`, whose inputs are the
same integers, scales and biases side by side. Then onnxruntime makes its own passes once, so that no start pays for
them; `--passes` makes these alone, after which the same numbers come out to the last bit. The last lines compare both
graphs on random tokens. `onnx` is needed for this script alone.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

# One pass of onnxruntime that costs more than it saves: its kernel for addition and layer normalisation together takes
# six times as long as the two apart (onnxruntime 1.31, a sixth of the whole run).
LEFT_OUT = ("SkipLayerNormFusion",)
LAYERS = 12
HEADS = 12
ROLES = ("query", "key", "value")
MASK = "attention_mask_int32"
LENGTHS = (60, 130, 210)  # tokens of the rows that are compared
RUNS = 8  # of each, the fastest counts


def fused(source: Path) -> Any:
    """The model with one `QAttention` a layer in place of its attention."""
    import onnx
    from onnx import helper

    model = onnx.load(str(source))
    graph = model.graph
    made_by = {output: node for node in graph.node for output in node.output}
    kept = {value.name: value for value in graph.initializer}
    mask = helper.make_node(
        "Cast", ["attention_mask"], [MASK], to=onnx.TensorProto.INT32
    )
    made_by[MASK] = mask
    for layer in range(LAYERS):
        node = _attention(layer, made_by, kept, graph)
        made_by[node.output[0]] = node
    _keep_what_is_needed(graph, made_by)
    return model


def _attention(layer: int, made_by: Any, kept: Any, graph: Any) -> Any:
    """The node that does what the operators of this layer's attention do, reading the same integers."""
    from onnx import helper, numpy_helper

    place = f"/bert/encoder/layer.{layer}/attention/self/"
    products = [
        made_by[f"{place}{role}/MatMul_output_0_output_quantized"] for role in ROLES
    ]
    weights = [product.input[1].removesuffix("_quantized") for product in products]

    def side_by_side(names: list[str], name: str) -> str:
        arrays = [numpy_helper.to_array(kept[one]) for one in names]
        joined = np.ascontiguousarray(np.concatenate(arrays, axis=-1))
        graph.initializer.append(numpy_helper.from_array(joined, name))
        return name

    named = f"attention.{layer}."
    biases = [
        f"bert.encoder.layer.{layer}.attention.self.{role}.bias" for role in ROLES
    ]
    integers = made_by[
        products[0].input[0]
    ].output  # values, their scale, their zero point
    inputs = [
        integers[0],
        side_by_side([f"{one}_quantized" for one in weights], f"{named}weight"),
        side_by_side(biases, f"{named}bias"),
        integers[1],
        side_by_side([f"{one}_scale" for one in weights], f"{named}scale"),
        MASK,
        integers[2],
        side_by_side([f"{one}_zero_point" for one in weights], f"{named}zero_point"),
    ]
    return helper.make_node(
        "QAttention",
        inputs,
        [f"{place}Reshape_3_output_0"],
        name=f"attention.{layer}",
        domain="com.microsoft",
        num_heads=HEADS,
    )


def _keep_what_is_needed(graph: Any, made_by: Any) -> None:
    """Only the nodes that lead to an output, each after those it reads; and only the values that these read."""
    order: list[Any] = []
    done: set[str] = set()

    def add(name: str) -> None:
        node = made_by.get(name)
        if node is None or name in done:
            return
        done.update(node.output)
        for wanted in node.input:
            add(wanted)
        order.append(node)

    for output in graph.output:
        add(output.name)
    used = {name for node in order for name in node.input}
    values = [value for value in graph.initializer if value.name in used]
    del graph.node[:]
    graph.node.extend(order)
    del graph.initializer[:]
    graph.initializer.extend(values)


def session(path: Path, written_to: Path | None = None) -> Any:
    """The model with onnxruntime's own passes but one; `written_to`: where the graph goes after them."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    if written_to is not None:
        # Those passes that do not depend on the processor
        options.graph_optimization_level = (
            onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        )
        options.optimized_model_filepath = str(written_to)
    return onnxruntime.InferenceSession(
        str(path),
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=list(LEFT_OUT),
    )


def compare(before: Path, after: Path) -> None:
    """Print how far the two differ and what each costs."""
    sessions = {"before": session(before), "after": session(after)}
    random = np.random.default_rng(0)
    for length in LENGTHS:
        tokens = random.integers(1_000, 20_000, (1, length)).astype(np.int64)
        given = {
            "input_ids": tokens,
            "attention_mask": np.ones_like(tokens),
            "token_type_ids": np.ones_like(tokens),
        }
        wanted = [value.name for value in sessions["before"].get_inputs()]
        given = {name: given[name] for name in wanted}
        fastest = dict.fromkeys(sessions, float("inf"))
        said: dict[str, list[Any]] = {}
        for _ in range(RUNS):
            for name, one in sessions.items():
                began = time.process_time()
                said[name] = one.run(None, given)
                fastest[name] = min(fastest[name], time.process_time() - began)
        pairs = zip(said["before"], said["after"], strict=True)
        apart = max(float(np.abs(one - other).max()) for one, other in pairs)
        cost = {name: f"{1000 * value / length:.3f}" for name, value in fastest.items()}
        print(f"{length} tokens: ms a token {cost}, largest difference {apart:.3f}")


def main() -> None:
    """Write the new file and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trained", type=Path, help="the file that training wrote")
    parser.add_argument("written", type=Path, help="where the new one goes")
    parser.add_argument("--passes", action="store_true", help="those alone")
    options = parser.parse_args()
    if options.passes:
        session(options.trained, options.written)
        compare(options.trained, options.written)
        return

    import onnx

    with tempfile.TemporaryDirectory() as folder:
        joined = Path(folder) / "joined.onnx"
        onnx.save(fused(options.trained), str(joined))
        session(joined, options.written)
    compare(options.trained, options.written)


if __name__ == "__main__":
    main()
