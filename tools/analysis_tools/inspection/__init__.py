"""What the analysis tools share: their options, weights inside models, embeddings, charts and rows of pictures."""
