"""Training of the small networks on spectra; the only user of PyTorch, which the extra `train` brings.

Nothing here is needed to run a trained network: `emotify_core.encoder` does that with onnxruntime.
"""
