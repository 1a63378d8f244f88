# P-STMO, small, 27 frames, on CMU motion capture, from what pretrain_cmu_27.py leaves.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/cmu.py',
    '../_base_/models/pstmo.py',
    '../_base_/schedules/small.py',
]

load_from = 'work_dirs/pstmo/pretrain_cmu_27/epoch_18.pth'
pretrained_by = 'configs/pstmo/pretrain_cmu_27.py'
# labels for two subjects only (a dancer, and one who walks and runs)
few = dict(train_dataloader=dict(dataset=dict(filter_cfg=dict(include=dict(subject=['05', '35'])))))
scratch = dict(load_from=None, pretrained_by=None)
variants = dict(
    scratch=scratch,
    few=few,
    few_scratch=dict(**few, **scratch),
)

model = dict(**_base_.sizes.pstmo_small, codec={{_base_.codec}})
train_dataloader = dict(dataset=dict(window=dict(_delete_=True, length=27, stride=13, outputs=1)))
