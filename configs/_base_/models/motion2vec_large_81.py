# Motion2vec, large, 81 frames: 75.5 M parameters as released for MPI-INF-3DHP (26 layers); 15.9 mm (paper).
_base_ = './motion2vec_large.py'
model = dict(backbone=dict(num_frames=81, depth=26))
