"""The CMU database's own files (Acclaim ASF/AMC, three dialects of BVH) as clips of the joint set ``cmu17``."""
