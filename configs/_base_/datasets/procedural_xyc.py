# Motions made in memory at 50 fps, in the network space of published networks with confidences: x, y, confidence.
_base_ = './procedural.py'

codec = dict(fps=50, window_box=False)
encode = dict(type='Encode', codec={**_base_.codec, **codec})
train_pipeline = [*_base_.film, encode, *_base_.train_pipeline[-2:]]
test_pipeline = [*_base_.film, encode, _base_.test_pipeline[-1]]

train_dataloader = dict(dataset=dict(fps=50, n_frames=486, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(fps=50, n_frames=486, pipeline=test_pipeline))
test_dataloader = val_dataloader
