# Motion2vec, large, 243 frames: 46.5 M parameters; 38.0 mm on Human3.6M (paper).
_base_ = './motion2vec.py'
model = dict(backbone=dict(embed_dims=256))
