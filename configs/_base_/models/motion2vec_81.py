# Motion2vec, base, 81 frames: 11.7 M parameters; 16.5 mm on MPI-INF-3DHP (paper).
_base_ = './motion2vec.py'
model = dict(backbone=dict(num_frames=81))
