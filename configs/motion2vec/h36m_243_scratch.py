# Motion2vec, base, on Human3.6M, 243 frames, from scratch: 38.6 mm MPJPE, 32.6 mm P-MPJPE (paper, table VIII).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/h36m_motionbert.py',
    '../_base_/models/motion2vec.py',
    '../_base_/protocols/motionagformer.py',
]

model = dict(codec={{_base_.codec}}, test_cfg={{_base_.model_test_cfg}})
train_dataloader = dict(batch_size=8)
auto_scale_lr = dict(base_batch_size=8)
