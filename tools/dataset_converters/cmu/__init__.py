"""The CMU database's files (Acclaim ASF/AMC, three dialects of BVH) as clips of the joint set ``cmu17``."""
