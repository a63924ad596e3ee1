"""ONNX model packs: what there is, under which licence, how it is fetched, converted and opened."""
