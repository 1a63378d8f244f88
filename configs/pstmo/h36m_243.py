# P-STMO's stage II, 243 frames, every second one, Human3.6M with CPN detections: 42.8 mm (paper, table 1).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/h36m.py',
    '../_base_/models/pstmo.py',
    '../_base_/protocols/pstmo.py',
]

load_from = 'work_dirs/pstmo/pretrain_h36m_243/epoch_80.pth'
pretrained_by = 'configs/pstmo/pretrain_h36m_243.py'
variants = dict(scratch=dict(load_from=None, pretrained_by=None))

total_batch_size = 160  # of all processes
model = dict(codec={{_base_.codec}}, test_cfg=dict(window=dict(stride=1, dilation=2), zero_root=True, flip_test=True))
train_dataloader = dict(
    batch_size=160, dataset=dict(window=dict(length=243, stride=1, outputs=1, dilation=2), mirrored_copies=True)
)
default_hooks = dict(checkpoint=dict(save_best='pstmo/MPJPE'))
