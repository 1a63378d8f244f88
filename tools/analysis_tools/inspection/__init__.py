"""Helpers of the analysis tools: options, weights inside models, embeddings, charts and rows of pictures."""
