# Motions made in memory at 50 fps, in the network space of the published networks without confidences: x and y.
_base_ = './procedural_xyc.py'

codec = dict(confidence=False)
encode = dict(type='Encode', codec={**_base_.codec, 'confidence': False})
train_pipeline = [*_base_.film, encode, *_base_.train_pipeline[-2:]]
test_pipeline = [*_base_.film, encode, _base_.test_pipeline[-1]]

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
