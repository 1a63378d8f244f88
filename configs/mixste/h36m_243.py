# MixSTE, 243 frames, Human3.6M with CPN detections: 40.9 mm (paper, table 1).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/h36m.py',
    '../_base_/models/mixste.py',
    '../_base_/protocols/mixste.py',
]

model = dict(codec={{_base_.codec}}, test_cfg={{_base_.model_test_cfg}})
train_dataloader = dict(batch_size=4, dataset=dict(window=dict(length=243, tail='centre'), mirrored_copies=True))
default_hooks = dict(checkpoint=dict(save_best='mixste/MPJPE'))
