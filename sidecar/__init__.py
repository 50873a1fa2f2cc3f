"""The GPU sidecar: answers questions about samples with the released scorer and styler.

One forward pass per sample and model answers all of the sample's questions. README.md documents it.
"""
